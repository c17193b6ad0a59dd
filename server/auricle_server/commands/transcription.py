"""Transcribes files with a given server, or with one that runs as long as the command."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from rich.markup import escape
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from auricle.client import connect
from auricle.errors import AuricleError, ConnectionFailed, Refused
from auricle.protocol.client_messages import Start
from auricle.protocol.server_messages import Error, Final, Interim
from auricle.reconnect import ReconnectPolicy
from auricle.stream import Stream
from auricle_server.audio_files import SAMPLE_RATE, AudioFile, UnreadableAudio, open_audio
from auricle_server.commands.console import fail, notes, progress_bars
from auricle_server.commands.transcript_formats import FileTranscript, TranscriptFormat, render

_BYTES_PER_SECOND = 2 * SAMPLE_RATE
# A file is sent as fast as the server reads. The audio in the socket buffers must fit into the replay buffer.
_RECONNECT = ReconnectPolicy(replay_seconds=600.0)


@dataclass(frozen=True, slots=True)
class TranscriptionOptions:
    """How to transcribe.

    Attributes:
        start: Start message of every stream.
        kind: Output format.
        realtime: Whether to send at the speed of speech; otherwise as fast as the server reads.
        api_key: API key of the server.
        output: Folder for one file per input; None prints to standard output.
    """

    start: Start
    kind: TranscriptFormat = TranscriptFormat.TEXT
    realtime: bool = False
    api_key: str | None = None
    output: Path | None = None


class NoServer(Exception):
    """No server can be used; the reason holds for all files."""


async def transcribe_all(files: Sequence[str], url: str | None, model: str, options: TranscriptionOptions) -> int:
    """Transcribes every file; reports a file that fails and continues with the next one.

    Args:
        files: Paths; ``-`` is standard input.
        url: Server to use; None starts a server with `model`.
        model: Model of the started server.
        options: Options of all files.

    Returns:
        The number of failed files.

    Raises:
        NoServer: The server is unreachable, refuses the stream, or could not be started.
    """
    failures = 0
    async with AsyncExitStack() as resources:
        server = await resources.enter_async_context(_server(url, model))
        progress = resources.enter_context(_progress())
        for number, path in enumerate(files):
            task = progress.add_task(path, total=None, caption="")
            try:
                transcript = await _transcribe_one(path, server, options, progress, task)
            except (UnreadableAudio, AuricleError) as error:
                if isinstance(error, ConnectionFailed | Refused):
                    raise NoServer(str(error)) from error
                fail(f"{path}: {error}")
                failures += 1
            else:
                _publish(transcript, options, header=len(files) > 1, first=number == 0)
            progress.remove_task(task)
    return failures


@asynccontextmanager
async def _server(url: str | None, model: str) -> AsyncIterator[str]:
    if url is not None:
        yield url
        return
    from auricle_server.checkpoints import CheckpointError
    from auricle_server.serving.in_process_server import serve_locally

    async with AsyncExitStack() as resources:
        with progress_bars(f"Starting a server with the model {model}") as report:
            try:
                local = await resources.enter_async_context(serve_locally(model=model, report=report))
            except CheckpointError as error:
                raise NoServer(str(error)) from error
        yield local


def _progress() -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(bar_width=24),
        TimeElapsedColumn(),
        TextColumn("[dim]{task.fields[caption]}"),
        console=notes,
        transient=True,
        disable=not notes.is_terminal,
    )


async def _transcribe_one(
    path: str, url: str, options: TranscriptionOptions, progress: Progress, task: TaskID
) -> FileTranscript:
    with open_audio(path) as audio:
        progress.update(task, total=audio.duration)
        async with connect(url, start=options.start, api_key=options.api_key, reconnect=_RECONNECT) as stream:
            try:
                async with asyncio.TaskGroup() as group:
                    group.create_task(_send(stream, audio, options.realtime))
                    return await _receive(stream, audio, progress, task)
            except* (UnreadableAudio, AuricleError) as failed:
                raise failed.exceptions[0] from failed


async def _send(stream: Stream, audio: AudioFile, realtime: bool) -> None:
    """Sends the file and the end of the stream; with `realtime` on an absolute schedule."""
    began, sent = time.monotonic(), 0.0
    for block in audio.blocks():
        await stream.send(block)
        sent += len(block) / _BYTES_PER_SECOND
        if realtime:
            await asyncio.sleep(max(0.0, began + sent - time.monotonic()))
    await stream.end()


async def _receive(stream: Stream, audio: AudioFile, progress: Progress, task: TaskID) -> FileTranscript:
    transcript = FileTranscript(audio.name, audio.duration, stream.ready.model, stream.ready.latency_ms)
    async for event in stream:
        if isinstance(event, Interim | Final):
            progress.update(task, completed=event.audio_time, caption=event.text[-60:])
        if isinstance(event, Error):
            notes.print(f"[yellow]note[/] {escape(f'{audio.name}: {event.message}')}", soft_wrap=True)
        if isinstance(event, Final) and event.text:
            transcript.segments.append(event)
    return transcript


def _publish(transcript: FileTranscript, options: TranscriptionOptions, *, header: bool, first: bool) -> None:
    text = render(transcript, options.kind)
    if options.output is not None:
        options.output.mkdir(parents=True, exist_ok=True)
        suffix = "txt" if options.kind is TranscriptFormat.TEXT else options.kind.value
        (options.output / f"{Path(transcript.file).name}.{suffix}").write_text(text, encoding="utf-8")
        return
    if header and options.kind is not TranscriptFormat.JSON:
        sys.stdout.write(f"{'' if first else chr(10)}==> {transcript.file} <==\n")
    sys.stdout.write(text)
    sys.stdout.flush()
