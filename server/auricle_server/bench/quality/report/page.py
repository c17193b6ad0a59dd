"""An evaluation as one page: the tables, and the worst recordings to listen to."""

from __future__ import annotations

import os
from base64 import b64encode
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any
from urllib.parse import quote

from auricle_server.bench.quality.clip_scores import ClipScore, EvaluatedClip
from auricle_server.bench.quality.comparison import compare
from auricle_server.bench.quality.normalisation import is_unspaced
from auricle_server.bench.quality.report.record import without_folders
from auricle_server.bench.quality.report.summary import (
    COMPARISON_HEAD,
    LANGUAGE_HEAD,
    NONE,
    Column,
    behaviour_columns,
    comparison_rows,
    ends_columns,
    label,
    language_rows,
    remarks,
    words_columns,
)
from auricle_server.bench.quality.setting_run import EvaluationRow

WORST = 25
"""Recordings on a page."""
_EMBEDDED_BYTES = 2_000_000
"""Largest audio file within the page; a larger one is linked. With `WORST` files a browser still opens the page."""
_MEDIA_TYPES = {
    ".wav": "audio/wav",
    ".flac": "audio/flac",
    ".mp3": "audio/mpeg",
    ".ogg": "audio/ogg",
    ".oga": "audio/ogg",
    ".opus": "audio/ogg",
}
"""Formats that browsers play."""
_LEGEND = (
    "Words as they are compared, without case and punctuation. <del>Struck out</del>: said and not recognised. "
    "<ins>Underlined</ins>: recognised and not said."
)
_MEANINGS = {
    "WER, CER": "Word and character error rate: substitutions, deletions and insertions, per word or character of the "
    "references. In brackets the 95 % interval over resampled recordings. In languages without spaces each character "
    "is a word.",
    "Lost at starts, at ends": "Words missing before the first right word of a recording, or after the last one, and "
    "the number of recordings.",
    "Empty": "Recordings in which something was said and nothing recognised.",
    "Words in silence": "Words that were not said, at times at which nobody speaks, in so many recordings for which "
    "that is known: from the manifest, from an empty text, or from Silero.",
    "Closing marks": "Transcripts that end with a mark of a sentence, of the references that do.",
    "Turn ends": "All before the end of the recording; those after which somebody speaks on; those of them in speech.",
    "Real-time factor": "Seconds of the run, with all its streams at once, for a second of audio.",
}


def page(rows: Sequence[EvaluationRow], clips: Sequence[EvaluatedClip], record: Mapping[str, Any], folder: Path) -> str:
    """The page as HTML; it needs no other file, except recordings that are too large to lie in it.

    Args:
        rows: All systems at all settings.
        clips: All recordings.
        record: What `evaluation_record` made of them.
        folder: Of the page, from which such recordings are linked.
    """
    style = Path(__file__).with_name("page.css").read_text(encoding="utf-8")
    models = ", ".join(sorted({without_folders(row.model) for row in rows}))
    pairs = compare(rows)
    parts = [
        f"<h1>Evaluation of {escape(models)}</h1>",
        f"<p>{escape(_about(record))}</p>",
        *(f"<p>{escape(remark)}</p>" for remark in remarks(rows)),
        _of_columns("Words", words_columns(rows), rows),
        _of_columns("Starts and ends", ends_columns(rows), rows),
        _of_columns("Behaviour", behaviour_columns(rows), rows),
        _table("Languages", LANGUAGE_HEAD, language_rows(rows)),
        _table("Side by side", COMPARISON_HEAD, comparison_rows(rows, pairs)),
        "<h2>How to read the tables</h2>",
        f"<dl>{''.join(f'<dt>{term}</dt><dd>{meaning}</dd>' for term, meaning in _MEANINGS.items())}</dl>",
        "<h2>The worst recordings</h2>",
        *_worst_section(rows, clips, folder),
    ]
    body = "\n".join(part for part in parts if part)
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>Evaluation of {escape(models)}</title>\n<style>\n{style}</style>\n</head>\n"
        f"<body>\n<main>\n{body}\n</main>\n</body>\n</html>\n"
    )


def worst(rows: Sequence[EvaluationRow]) -> list[int]:
    """Indices of the recordings with most word errors under any setting, the worst first; only those with errors."""
    errors: dict[int, int] = {}
    for row in rows:
        for number, score in row.scores.items():
            errors[number] = max(errors.get(number, 0), score.errors)
    wrong = [number for number, count in errors.items() if count]
    return sorted(wrong, key=lambda number: (-errors[number], number))[:WORST]


def _about(record: Mapping[str, Any]) -> str:
    machine, options = record["machine"], record["options"]
    figures = record["figures"]
    pace = "in real time" if options["realtime"] else "as fast as the server took them"
    revision = f", revision {options['revision']}" if options["revision"] else ""
    return (
        f"{figures['clips']} recordings of {figures['seconds'] / 60:.1f} minutes{revision}, sent {pace}, "
        f"{options['streams']} at once; {machine['gpu'] or machine['cpu']}, {machine['cores']} cores; {record['date']}."
    )


def _of_columns(title: str, columns: Sequence[Column], rows: Sequence[EvaluationRow]) -> str:
    return _table(title, [head for head, _ in columns], [[cell(row) for _, cell in columns] for row in rows])


def _table(title: str, head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table whose first column names its rows; empty without rows."""
    if not rows:
        return ""
    heads = "".join(f'<th scope="col">{escape(cell)}</th>' for cell in head)
    lines = "".join(
        f'<tr><th scope="row">{escape(first)}</th>{"".join(f"<td>{escape(cell)}</td>" for cell in cells)}</tr>\n'
        for first, *cells in rows
    )
    return (
        # Focusable, so that a keyboard can scroll a wide table.
        f'<div class="scroll" tabindex="0" role="region" aria-label="{escape(title)}"><table class="figures">'
        f"<caption>{escape(title)}</caption>\n<thead><tr>{heads}</tr></thead>\n<tbody>{lines}</tbody></table></div>"
    )


def _worst_section(rows: Sequence[EvaluationRow], clips: Sequence[EvaluatedClip], folder: Path) -> list[str]:
    numbers = worst(rows)
    if not numbers:
        return ["<p>Every word of every recording is right.</p>"]
    return [f"<p>{_LEGEND}</p>", *(_article(number, rows, clips[number], folder) for number in numbers)]


def _article(number: int, rows: Sequence[EvaluationRow], clip: EvaluatedClip, folder: Path) -> str:
    recording = clip.recording
    title = f"Recording {number + 1}: {recording.name}"
    about = f"{clip.seconds:.1f} s" + (f", {recording.language}" if recording.language else "")
    lines = "".join(
        f'<tr><th scope="row">{escape(label(row, rows))}</th><td>{row.scores[number].errors} of '
        f"{len(row.scores[number].reference)}</td><td{_lang(row.scores[number])}>{_diff(row.scores[number])}"
        f'<br><span class="raw">{escape(row.scores[number].found.text) or NONE}</span></td></tr>\n'
        for row in rows
        if number in row.scores
    )
    return (
        f"<article>\n<h3>{escape(title)}</h3>\n<p>{escape(about)}</p>\n{_player(recording.path, title, folder)}\n"
        f"<p>Reference: {escape(recording.text) or NONE}</p>\n"
        f'<div class="scroll" tabindex="0" role="region" aria-label="{escape(title)}, transcripts"><table>'
        '<thead><tr><th scope="col">Setting</th><th scope="col">Errors</th><th scope="col">Compared words, and the '
        f"transcript as it came</th></tr></thead>\n<tbody>{lines}</tbody></table></div>\n</article>"
    )


def _lang(score: ClipScore) -> str:
    return f' lang="{escape(score.language)}"' if score.language else ""


def _diff(score: ClipScore) -> str:
    """The alignment, as text with what was left out and put in marked."""
    parts = []
    for pair in score.pairs:
        said = "" if pair.reference is None else escape(score.reference[pair.reference])
        heard = "" if pair.hypothesis is None else escape(score.hypothesis[pair.hypothesis])
        wrong = " ".join(([f"<del>{said}</del>"] if said else []) + ([f"<ins>{heard}</ins>"] if heard else []))
        parts.append(said if pair.equal else wrong)
    return ("" if is_unspaced(score.language) else " ").join(parts) or NONE


def _player(path: Path, title: str, folder: Path) -> str:
    """A player for browsers' formats, with the audio in the page where it is small; else a link."""
    kind = _MEDIA_TYPES.get(path.suffix.lower())
    link = escape(quote(Path(os.path.relpath(path, folder)).as_posix()))
    if kind is None:
        return f'<p><a href="{link}">{escape(path.name)}</a></p>'
    source = link
    if path.stat().st_size <= _EMBEDDED_BYTES:
        source = f"data:{kind};base64,{b64encode(path.read_bytes()).decode()}"
    return f'<audio controls preload="none" aria-label="{escape(title)}" src="{source}"></audio>'
