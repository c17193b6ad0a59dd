"""A worker of an archive: one server around one accelerator, in a process that Ray starts.

Imports neither Ray nor torch at the top: Ray loads this module in the process of the worker, and the server brings
torch there.
"""

from __future__ import annotations

import asyncio
import os
import sys
import threading
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from auricle.client import AuricleClient
from auricle.errors import AuricleError, ConnectionFailed, Refused, ServerRestarting
from auricle.events import StreamEvent
from auricle.protocol.client_messages import Start
from auricle.protocol.server_messages import Error
from auricle_server.archives.attempts import MOST_ATTEMPTS
from auricle_server.archives.file_transcription import RECONNECT, transcribe_channel
from auricle_server.archives.inputs.sources import ArchiveFile, FileVersion, local_copy, version_of
from auricle_server.archives.options import WorkerSettings
from auricle_server.archives.tables.rows import Row, as_line, failure_row, transcript_row
from auricle_server.audio_files import UnreadableAudio, open_audio

if TYPE_CHECKING:
    import pyarrow as pa

FILES_AT_ONCE = 8
"""A step of the engine takes chunks of several files: 1.6 times the speed of one file at a time, measured with the demo
model on one core (`tests/bench/bench_offline.py`); a server takes 16 at most."""
_LONGEST_SECONDS = 30 * 86_400.0
_PATIENCE_SECONDS = 3600.0
"""A worker that waits for a slow disk or store must not take the wait for a client that has gone."""
_POLARITY = (
    "the channels have opposite polarity, so that their mean is silence; the mix inverts one (channel 1 reads one as "
    "it is, split each)"
)


class ArchiveWorker:
    """Transcribes batches of files, as Ray Data's `map_batches` calls it, also from several threads at once.

    Args:
        settings: `WorkerSettings`, as JSON.
        ledger: Handle of the actor `AttemptLedger`.
    """

    def __init__(self, settings: str, ledger: Any) -> None:
        self._ledger = ledger
        self._unusable: str | None = None
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="auricle-archive", daemon=True)
        self._thread.start()
        self._streams = asyncio.Semaphore(FILES_AT_ONCE)
        self._alone = asyncio.Lock()
        self._client: AuricleClient
        self._resources = AsyncExitStack()
        self._wait(self._start(WorkerSettings.from_json(settings)))

    def __call__(self, batch: pa.Table) -> pa.Table:
        """Transcribes the files of a batch.

        Args:
            batch: A column ``file``, of `ArchiveFile` as JSON.

        Returns:
            One row for each file: ``transcripts`` and ``failure``, rows as JSON (of a file there is one or the other),
            ``seconds`` of audio, ``bytes``, and ``again``, how often a worker had died at it. When the model cannot be
            loaded, one row with the reason in ``unusable`` alone.
        """
        import pyarrow as pa

        if self._unusable is not None:
            return pa.Table.from_pylist([_answer(unusable=self._unusable)], schema=answer_schema())
        files = [ArchiveFile.from_json(text) for text in batch.column("file").to_pylist()]
        return pa.Table.from_pylist(self._wait(self._batch(files)), schema=answer_schema())

    def close(self) -> None:
        """Ends the server; Ray does not call this, and ends the process."""
        self._wait(self._resources.aclose())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _wait(self, coroutine: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result()

    async def _start(self, settings: WorkerSettings) -> None:
        from auricle_server.checkpoints import CheckpointError
        from auricle_server.config import DEFAULT_LIMITS, ConfigError, ServerConfig
        from auricle_server.serving.in_process_server import serve_locally

        try:
            config = ServerConfig(
                model=settings.model,
                device=settings.device,
                dtype=settings.dtype,
                threads=settings.threads,
                max_load=0,  # files have no deadline
                console=False,
                start_seconds=_PATIENCE_SECONDS,
                stall_seconds=_PATIENCE_SECONDS,
                limits=replace(DEFAULT_LIMITS, stream_seconds=_LONGEST_SECONDS, idle_seconds=_PATIENCE_SECONDS),
            )
            url = await self._resources.enter_async_context(serve_locally(config))
        except (CheckpointError, ConfigError, RuntimeError, OSError) as error:  # torch raises RuntimeError
            self._unusable = str(error) or type(error).__name__
            return
        self._client = await self._resources.enter_async_context(AuricleClient(url, reconnect=RECONNECT))

    async def _batch(self, files: Sequence[ArchiveFile]) -> list[Row]:
        begun = await self._ledger.begun.remote([file.key for file in files])
        return list(await asyncio.gather(*(self._file(file, begun.get(file.key, 0)) for file in files)))

    async def _file(self, file: ArchiveFile, deaths: int) -> Row:
        if deaths >= MOST_ATTEMPTS:
            await self._ledger.end.remote(file.key)
            return _failed(file, f"a worker ended while transcribing it, {deaths} times", again=deaths)
        async with self._streams if deaths == 0 else self._nothing_else():
            await self._ledger.begin.remote(file.key)
            answer = await self._outcome(file)
            await self._ledger.end.remote(file.key)
        return {**answer, "again": deaths}

    @asynccontextmanager
    async def _nothing_else(self) -> AsyncIterator[None]:
        """Waits until no other file is in work, and keeps them away: if the worker dies again, it is of this file."""
        async with self._alone, AsyncExitStack() as held:
            for _ in range(FILES_AT_ONCE):
                await held.enter_async_context(self._streams)
            yield

    async def _outcome(self, file: ArchiveFile) -> Row:
        version: FileVersion | None = None
        try:
            version = await asyncio.to_thread(version_of, file.source)
            rows, seconds = await self._transcripts(file, version)
        except (ConnectionFailed, Refused, ServerRestarting) as error:
            # The server is in this process and keeps nobody out: its engine has died. Ray starts another worker.
            sys.stderr.write(f"auricle archive: the engine has ended: {error}\n")
            sys.stderr.flush()
            os._exit(1)
        except (UnreadableAudio, AuricleError) as error:
            return _failed(file, str(error), version)
        except Exception as error:  # noqa: BLE001  # a bad file is named and does not stop the others
            return _failed(file, f"{type(error).__name__}: {error}", version)
        return _answer(transcripts=[as_line(row) for row in rows], seconds=seconds, size=version.size or 0)

    async def _transcripts(self, file: ArchiveFile, version: FileVersion) -> tuple[list[Row], float]:
        rows: list[Row] = []
        with ExitStack() as resources:
            path = await asyncio.to_thread(resources.enter_context, local_copy(file.source))
            audio = await asyncio.to_thread(resources.enter_context, open_audio(path))
            channels: Sequence[int | None] = (
                [None]
                if file.channel == "mix"
                else range(1, audio.channels + 1)
                if file.channel == "split"
                else [int(file.channel)]
            )
            start = Start(language=file.language, offline=True, keyterms=file.keyterms)
            for channel in channels:
                notes: list[str] = []
                transcript = await transcribe_channel(
                    self._client,
                    start,
                    audio,
                    channel,
                    observe=partial(_note, notes),
                )
                rows.append(
                    transcript_row(
                        file,
                        version,
                        transcript,
                        channel=channel,
                        duration=audio.duration or 0.0,
                        notes=[*notes, *([_POLARITY] if audio.cancels else [])],
                    )
                )
            return rows, audio.duration or 0.0


def _note(notes: list[str], event: StreamEvent) -> None:
    if isinstance(event, Error):
        notes.append(event.message)


def _failed(file: ArchiveFile, reason: str, version: FileVersion | None = None, again: int = 0) -> Row:
    return _answer(failure=as_line(failure_row(file, reason, version)), size=file.size or 0, again=again)


def _answer(
    transcripts: Sequence[str] = (),
    failure: str | None = None,
    unusable: str | None = None,
    seconds: float = 0.0,
    size: int = 0,
    again: int = 0,
) -> Row:
    return {
        "transcripts": list(transcripts),
        "failure": failure,
        "unusable": unusable,
        "seconds": seconds,
        "bytes": size,
        "again": again,
    }


def answer_schema() -> pa.Schema:
    """The columns of what a worker returns."""
    import pyarrow as pa

    return pa.schema(
        [
            ("transcripts", pa.list_(pa.string())),
            ("failure", pa.string()),
            ("unusable", pa.string()),
            ("seconds", pa.float64()),
            ("bytes", pa.int64()),
            ("again", pa.int64()),
        ]
    )
