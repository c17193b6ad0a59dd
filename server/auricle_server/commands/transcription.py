"""Transcribes files with a given server, or with one that runs as long as the command."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import Future
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeVar

from rich.progress import Progress, TaskID

from auricle.client import AuricleClient
from auricle.errors import AuricleError, ConnectionFailed, Refused
from auricle.events import StreamEvent
from auricle.protocol.client_messages import Start
from auricle.protocol.server_messages import Error, Final, Interim
from auricle_server.archives.file_transcription import RECONNECT, transcribe_channel
from auricle_server.audio_files import AudioFile, UnreadableAudio, open_audio
from auricle_server.commands.console import fail, file_progress, printable, progress_bars, warn
from auricle_server.commands.transcript_formats import FileTranscript, TranscriptFormat
from auricle_server.commands.transcripts.outputs import TranscriptPublisher, UnwrittenTranscript

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class TranscriptionOptions:
    """How to transcribe.

    Attributes:
        start: Start message of every stream.
        kind: Output format.
        realtime: Whether to send at the speed of speech; otherwise as fast as the server reads.
        api_key: API key of the server.
        output: Folder for one file per input; None prints to standard output.
        channel: ``"mix"`` for all channels as one, ``"split"`` for a transcript of each, or the number of one, from 1.
    """

    start: Start
    kind: TranscriptFormat = TranscriptFormat.TEXT
    realtime: bool = False
    api_key: str | None = None
    output: Path | None = None
    channel: int | Literal["mix", "split"] = "mix"


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
        UnusableOutput: The folder for the transcripts cannot take them; no file was read.
        NoServer: The server is unreachable, refuses the stream, or could not be started.
    """
    split = options.channel == "split"
    publisher = TranscriptPublisher(options.kind, options.output, split=split, headers=split or len(files) > 1)
    unwritable = publisher.prepare(files)
    failures = sum(file in unwritable for file in files)
    if failures == len(files):
        return failures
    async with AsyncExitStack() as resources:
        client = await resources.enter_async_context(_client(url, model, options))
        progress = resources.enter_context(file_progress())
        for file in files:
            if file in unwritable:
                continue
            task = progress.add_task(printable(file), total=None, caption="")
            try:
                await _FileTranscription(client, options, publisher, progress, task).run(file)
            except (ConnectionFailed, Refused) as error:
                raise NoServer(str(error)) from error
            except (UnreadableAudio, UnwrittenTranscript, AuricleError) as error:
                failures += 1
                fail(f"{printable(file)}: {error}")
            except BrokenPipeError:
                raise  # who reads standard output has gone
            except Exception as error:  # noqa: BLE001  # a bad file is named and does not stop the others
                failures += 1
                fail(f"{printable(file)}: {type(error).__name__}: {error}")
            progress.remove_task(task)
    return failures


@asynccontextmanager
async def _client(url: str | None, model: str, options: TranscriptionOptions) -> AsyncIterator[AuricleClient]:
    async with AsyncExitStack() as resources:
        url = url if url is not None else await resources.enter_async_context(_own_server(model))
        try:
            client = AuricleClient(url, api_key=options.api_key, reconnect=RECONNECT)
        except ValueError as error:
            raise NoServer(str(error)) from error
        yield await resources.enter_async_context(client)


@asynccontextmanager
async def _own_server(model: str) -> AsyncIterator[str]:
    from auricle_server.checkpoints import CheckpointError
    from auricle_server.serving.in_process_server import serve_locally

    async with AsyncExitStack() as resources:
        with progress_bars(f"Starting a server with the model {model}") as report:
            try:
                local = await resources.enter_async_context(serve_locally(model=model, report=report))
            except CheckpointError as error:
                raise NoServer(str(error)) from error
        yield local


class _FileTranscription:
    """One file through the server: a stream for the mix, or for each channel."""

    def __init__(
        self,
        client: AuricleClient,
        options: TranscriptionOptions,
        publisher: TranscriptPublisher,
        progress: Progress,
        task: TaskID,
    ) -> None:
        self._client = client
        self._options = options
        self._publisher = publisher
        self._progress = progress
        self._task = task

    async def run(self, file: str) -> None:
        with ExitStack() as resources:
            audio = await _in_thread(lambda: resources.enter_context(open_audio(file)))
            for channel in self._channels(audio):
                await self._channel(file, audio, channel)
            if audio.cancels:
                warn(
                    f"{printable(audio.name)}: its channels have opposite polarity, so that their mean is silence; the "
                    "mix inverts one (--channel 1 reads one as it is, --channel split each)"
                )

    def _channels(self, audio: AudioFile) -> list[int | None]:
        match self._options.channel:
            case "mix":
                return [None]
            case "split":
                return list(range(1, audio.channels + 1))
            case number:
                return [number]

    async def _channel(self, file: str, audio: AudioFile, channel: int | None) -> None:
        self._progress.update(self._task, total=audio.duration, completed=0)
        heard = await transcribe_channel(
            self._client,
            self._options.start,
            audio,
            channel,
            realtime=self._options.realtime,
            observe=lambda event: self._show(audio.name, event),
        )
        transcript = FileTranscript(
            audio.name, audio.duration or 0.0, heard.model, heard.latency_ms, list(heard.segments), channel
        )
        self._publisher.publish(file, transcript)
        if (damage := heard.damage) is not None:
            raise UnreadableAudio(f"{damage}; the transcript has the {transcript.duration:.1f} s before") from damage

    def _show(self, name: str, event: StreamEvent) -> None:
        if isinstance(event, Interim | Final):
            self._progress.update(self._task, completed=event.audio_time, caption=printable(event.text[-60:]))
        if isinstance(event, Error):
            warn(f"{printable(name)}: {event.message}")


async def _in_thread(function: Callable[[], T]) -> T:
    """The result of a function that may wait for ever, for who writes into a pipe; the process ends without it."""
    done: Future[T] = Future()

    def run() -> None:
        done.set_running_or_notify_cancel()
        try:
            done.set_result(function())
        except Exception as error:  # noqa: BLE001  # raised to who waits
            done.set_exception(error)

    threading.Thread(target=run, daemon=True).start()
    return await asyncio.wrap_future(done)
