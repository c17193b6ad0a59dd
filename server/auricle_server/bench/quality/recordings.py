"""The recordings of an evaluation: a manifest, or a folder of audio files with texts beside them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_AUDIO_KEYS = ("audio", "audio_filepath", "file")
"""The second is that of NeMo's manifests, the third that of the bundled clips."""
_LANGUAGE_KEYS = ("language", "lang")
_SUFFIXES = frozenset(".wav .flac .ogg .oga .opus .mp3 .aif .aiff .au .caf .w64".split())
_MOST_PROBLEMS = 10
"""Problems that a message lists; a manifest of the wrong kind has one on every line."""


class ManifestError(ValueError):
    """The recordings cannot be read; the message names each line or file and says what is wrong with it."""

    @classmethod
    def listing(cls, source: Path, problems: list[str]) -> ManifestError:
        """One error for several problems of a manifest or a folder."""
        shown = problems[:_MOST_PROBLEMS]
        if more := len(problems) - len(shown):
            shown.append(f"and {more} more")
        return cls("\n  ".join([f"{source} cannot be evaluated:", *shown]))


@dataclass(frozen=True, slots=True)
class SpeechSpan:
    """A stretch in which somebody speaks, in seconds of the recording."""

    start: float
    end: float


@dataclass(frozen=True, slots=True)
class Recording:
    """A recording and what is said in it.

    Attributes:
        name: As the manifest names it.
        path: Of the audio file.
        text: What is said; empty when nothing is.
        language: BCP-47 code of the language; None when the manifest names none.
        speech: Where somebody speaks, in order, as the manifest says it; None when it does not.
    """

    name: str
    path: Path
    text: str
    language: str | None = None
    speech: tuple[SpeechSpan, ...] | None = None


def read_recordings(source: Path, limit: int | None = None) -> list[Recording]:
    """Reads a manifest or a folder.

    A manifest is a file of JSON objects, one on each line, or one JSON list of them. An object has ``audio`` (a path
    relative to the manifest), ``text`` and optionally ``language``, ``words`` and ``turns``: lists of objects with
    ``start`` and ``end`` in seconds. Other keys are ignored. A folder holds audio files, each with its text in a
    ``.txt`` file of the same stem.

    Args:
        source: Path of the manifest or the folder.
        limit: Number of recordings to read, from the start; None reads all.

    Raises:
        ManifestError: The source is missing or empty, or some of its lines or files are wrong.
    """
    if source.is_dir():
        return _read_folder(source)[:limit]
    if not source.is_file():
        raise ManifestError(
            f"{source}: no such file or folder; expected a manifest or a folder of audio and .txt files"
        )
    problems: list[str] = []
    found: list[Recording] = []
    for place, entry in _entries(source, problems):
        if len(found) == limit:
            break
        try:
            found.append(_recording(entry, source.parent))
        except ValueError as error:
            problems.append(f"{place}: {error}")
    if problems:
        raise ManifestError.listing(source, problems)
    if not found:
        raise ManifestError(f"{source}: holds no recording; expected a JSON object with audio and text on each line")
    return found


def _entries(source: Path, problems: list[str]) -> Iterable[tuple[str, Any]]:
    """The entries of a manifest and the place of each; adds to `problems` what is no JSON."""
    try:
        content = source.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise ManifestError(f"{source}: not UTF-8 text; expected a manifest of JSON objects") from error
    if content.lstrip().startswith("["):
        try:
            return [(f"entry {number}", entry) for number, entry in enumerate(json.loads(content), 1)]
        except ValueError as error:
            raise ManifestError(f"{source}: not JSON: {error}") from error
    found = []
    for number, line in enumerate(content.splitlines(), 1):
        if line.strip():
            try:
                found.append((f"line {number}", json.loads(line)))
            except ValueError as error:
                problems.append(f"line {number}: not JSON: {error}")
    return found


def _recording(entry: Any, folder: Path) -> Recording:
    if not isinstance(entry, Mapping):
        raise ValueError("expected a JSON object")  # noqa: TRY004 - all that is wrong with a line is one kind of error
    key = next((key for key in _AUDIO_KEYS if key in entry), None)
    if key is None:
        raise ValueError("audio is missing: the path of the audio file, relative to the manifest")
    name, text = entry[key], entry.get("text")
    if not isinstance(name, str) or not name:
        raise ValueError(f"{key}: expected a path, got {name!r}")
    if not isinstance(text, str):
        raise ValueError("text is missing: what is said, or an empty text when nothing is")  # noqa: TRY004
    path = folder / name
    if not path.is_file():
        raise ValueError(f"{key}: no such file: {path}")
    speech = _speech(entry)
    return Recording(name, path, text.strip(), _language(entry), () if not text.strip() else speech)


def _language(entry: Mapping[str, Any]) -> str | None:
    for key in _LANGUAGE_KEYS:
        if entry.get(key) is not None:
            if not isinstance(entry[key], str):
                raise ValueError(f"{key}: expected a language code, got {entry[key]!r}")
            return str(entry[key])
    return None


def _speech(entry: Mapping[str, Any]) -> tuple[SpeechSpan, ...] | None:
    """Where somebody speaks: between the words, or where the turns are; words are the finer ones."""
    for key in ("words", "turns"):
        spans = entry.get(key)
        if spans:
            try:
                found = [SpeechSpan(float(span["start"]), float(span["end"])) for span in spans]
            except (TypeError, KeyError, ValueError) as error:
                raise ValueError(f"{key}: expected a list of objects with start and end in seconds") from error
            return tuple(sorted(found, key=lambda span: span.start))
    return None


def _read_folder(folder: Path) -> list[Recording]:
    files = [path for path in sorted(folder.iterdir()) if path.suffix.lower() in _SUFFIXES]
    if not files:
        hint = next((f"; did you mean {path}?" for path in sorted(folder.glob("*.json*"))), "")
        raise ManifestError(f"{folder}: holds no audio files; expected audio with a .txt file of the same stem{hint}")
    problems = [
        f"{path.name}: its text is missing; write it to {path.with_suffix('.txt').name}"
        for path in files
        if not path.with_suffix(".txt").is_file()
    ]
    if problems:
        raise ManifestError.listing(folder, problems)
    return [_of_file(path) for path in files]


def _of_file(path: Path) -> Recording:
    text = " ".join(path.with_suffix(".txt").read_text(encoding="utf-8").split())
    return Recording(path.name, path, text, speech=None if text else ())
