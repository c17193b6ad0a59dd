"""Where transcripts go: to standard output, or into files that were tried before the first recording is read."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from auricle_server.audio_files import STANDARD_INPUT
from auricle_server.commands.console import fail, printable
from auricle_server.commands.transcript_formats import FileTranscript, TranscriptFormat, render


class UnusableOutput(Exception):
    """The folder cannot take the transcripts; the reason holds for all files."""


class UnwrittenTranscript(Exception):
    """The file of a transcript cannot be written; the message says where the transcript is."""


class TranscriptPublisher:
    """Writes transcripts.

    Args:
        kind: Their format.
        output: Folder for a file for each; None for standard output.
        split: Whether there is one for each channel.
        headers: Whether standard output names the file before each transcript, except for JSON, which has the name.
    """

    def __init__(self, kind: TranscriptFormat, output: Path | None, *, split: bool, headers: bool) -> None:
        self._kind = kind
        self._split = split
        self._headers = headers and kind is not TranscriptFormat.JSON
        self._folder = None if output is None else TranscriptFolder(output, kind, split=split)
        self._first = True

    def prepare(self, files: Sequence[str]) -> frozenset[str]:
        """Tries the outputs of all inputs; reports those that cannot be written, and returns their inputs.

        Raises:
            UnusableOutput: See `TranscriptFolder.prepare`.
        """
        failures = {} if self._folder is None else self._folder.prepare(files)
        for file, reason in failures.items():
            fail(f"{printable(file)}: {reason}")
        return frozenset(failures)

    def publish(self, file: str, transcript: FileTranscript) -> None:
        """Writes a transcript.

        Raises:
            UnwrittenTranscript: The disk did not take it, so it went to standard output; or that did not take it.
            BrokenPipeError: Who read standard output has gone.
        """
        text = render(transcript, self._kind)
        if self._folder is None:
            self._print(transcript, text)
            return
        try:
            self._folder.write(file, transcript.channel, text)
        except OSError as error:
            self._print(transcript, text)
            reason = _sentence(self._folder.target(file, transcript.channel), error)
            raise UnwrittenTranscript(f"{reason}; its transcript is in standard output instead") from error

    def _print(self, transcript: FileTranscript, text: str) -> None:
        if self._headers:
            channel = f", channel {transcript.channel}" if self._split else ""
            text = f"{'' if self._first else chr(10)}==> {printable(transcript.file)}{channel} <==\n{text}"
        self._first = False
        encoding = sys.stdout.encoding or "utf-8"  # which may lack letters of the language
        try:
            sys.stdout.write(text.encode(encoding, "backslashreplace").decode(encoding))
            sys.stdout.flush()
        except BrokenPipeError:
            raise
        except OSError as error:
            raise UnwrittenTranscript(f"cannot write to standard output: {error.strerror}") from error


class TranscriptFolder:
    """A folder with one file for each transcript: `call.wav` becomes `call.wav.srt`.

    Args:
        path: The folder.
        kind: Format of the transcripts.
        split: Whether there is a transcript for each channel: `call.wav.1.srt`, `call.wav.2.srt`.
    """

    def __init__(self, path: Path, kind: TranscriptFormat, *, split: bool = False) -> None:
        self._path = path
        self._suffix = "txt" if kind is TranscriptFormat.TEXT else kind.value
        self._split = split

    def target(self, file: str, channel: int | None = None) -> Path:
        """The file for the transcript of an input, or of one of its channels when they are split."""
        name = "stdin" if file == STANDARD_INPUT else Path(file).name
        part = f".{channel}" if self._split and channel is not None else ""
        return self._path / f"{name}{part}.{self._suffix}"

    def prepare(self, files: Sequence[str]) -> dict[str, str]:
        """Creates the folder and tries every file in it, so that no transcript is computed in vain.

        Args:
            files: The inputs.

        Returns:
            The inputs whose output cannot be written, and why. The others can.

        Raises:
            UnusableOutput: The folder cannot be written into, or two inputs have the same output.
        """
        try:
            self._path.mkdir(parents=True, exist_ok=True)
            _try_folder(self._path)
        except OSError as error:
            raise UnusableOutput(_sentence(self._path, error)) from error
        failures: dict[str, str] = {}
        tried = _TriedFiles(files)
        try:
            for file in files:
                try:
                    tried.add(file, self.target(file, 1))
                except OSError as error:
                    failures[file] = _sentence(self.target(file, 1), error)
        finally:
            tried.remove_new()
        return failures

    def write(self, file: str, channel: int | None, text: str) -> None:
        """Writes a transcript.

        Raises:
            OSError: It cannot be written.
        """
        self.target(file, channel).write_text(text, "utf-8", "backslashreplace")


class _TriedFiles:
    """Files opened for writing. The system tells which are one: by other spellings, upper case, or links."""

    def __init__(self, inputs: Sequence[str]) -> None:
        self._owners: dict[tuple[int, int], str] = {}
        self._inputs = _identities(inputs)
        self._new: list[Path] = []

    def add(self, file: str, target: Path) -> None:
        new = not os.path.lexists(target)
        if not new and not stat.S_ISREG(target.stat().st_mode):
            raise FileExistsError(0, "it exists and is no file")
        with target.open("ab") as opened:
            identity = _identity(os.fstat(opened.fileno()))
        if new:
            self._new.append(target)
        if (owner := self._owners.get(identity)) is not None:
            raise UnusableOutput(
                f"{printable(owner)} and {printable(file)} would be written to the same file, {printable(str(target))}:"
                " give them other names, or run the command for each with another --output"
            )
        if (source := self._inputs.get(identity)) is not None:
            raise UnusableOutput(
                f"the transcript of {printable(file)} would replace the recording {printable(source)}:"
                " choose another --output"
            )
        self._owners[identity] = file

    def remove_new(self) -> None:
        for target in self._new:
            target.unlink(missing_ok=True)


def _identities(files: Sequence[str]) -> dict[tuple[int, int], str]:
    """The files that exist; what is wrong with the others is said when they are opened."""
    found = {}
    for file in files:
        with suppress(OSError):
            found[_identity(Path(file).stat())] = file
    return found


def _identity(status: os.stat_result) -> tuple[int, int]:
    return status.st_dev, status.st_ino


def _try_folder(path: Path) -> None:
    trial = path / f".auricle-{os.getpid()}"
    trial.touch()
    trial.unlink()


def _sentence(path: Path, error: OSError) -> str:
    return f"cannot write to {printable(str(path))}: {error.strerror or error}"
