"""The engine: leases, audio in, tokens out. Single-threaded: one caller at a time.

`Engine.step` tells the story: pick the rows that are due, assemble their input, compute, hand out what came.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch

from auricle_server.checkpoints.languages import offered_languages
from auricle_server.checkpoints.load import Checkpoint
from auricle_server.engine.batcher import Batcher
from auricle_server.engine.decoder import Emissions
from auricle_server.engine.geometry import Geometry
from auricle_server.engine.model import Batch, Model
from auricle_server.engine.slots import TRASH_SLOT, SlotPool
from auricle_server.engine.timeline import UNBOUNDED, Flush, Pcm, Row, Settings, Timeline
from auricle_server.engine.types import EngineInfo, Lease, LeaseEnded, RowResult, UnknownLanguage, UnknownLatency

PREFERRED_LATENCY_MS = 160
"""Default where the model offers it: the best trade for voice agents of the published models."""


@dataclass(slots=True)
class _Stream:
    lease: Lease
    timeline: Timeline


class Engine:
    """Runs one checkpoint for many streams.

    Args:
        checkpoint: From `auricle_server.checkpoints.load_checkpoint`.
        slots: Streams at once.
        device: ``"auto"`` takes CUDA when there is one; else a torch device.
        dtype: Precision of the encoder; by default bf16 on CUDA, fp32 elsewhere.
        threads: CPU threads of torch, for the whole process; None leaves them as they are.
        max_rows: Most rows of one step.
        clock: Seconds; only deadlines depend on it, results never.
    """

    def __init__(
        self,
        checkpoint: Checkpoint,
        *,
        slots: int = 64,
        device: str = "auto",
        dtype: torch.dtype | None = None,
        threads: int | None = None,
        max_rows: int = 1024,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        if threads is not None:
            torch.set_num_threads(threads)
        self.device = resolve_device(device)
        precision = dtype or (torch.bfloat16 if self.device.type == "cuda" else torch.float32)
        with torch.inference_mode():
            self._model = Model(checkpoint, slots, self.device, precision)
        self._geometry = Geometry(checkpoint.config)
        self._slots = SlotPool(slots)
        self._clock = clock
        self._streams: dict[int, _Stream] = {}
        self._batcher: Batcher[int] = Batcher(checkpoint.config.frame_seconds, max_rows)
        self._answers: list[RowResult] = []
        self._prompts = dict(checkpoint.config.prompt.dictionary) if checkpoint.config.prompt else {}
        self._chunks = {round(c * checkpoint.config.frame_seconds * 1000): c for c in self._model.reach}
        self.info = _info(checkpoint, tuple(sorted(self._chunks)), slots)

    # --- leases ------------------------------------------------------------------------------------------------------

    def open(self, latency_ms: int, language: str) -> Lease:
        """Starts a stream.

        Raises:
            NoSlot: All slots are leased.
            UnknownLatency: Not one of `info.latencies_ms`.
            UnknownLanguage: Not one of `info.languages`.
        """
        settings = Settings(self._frames(latency_ms), self._prompt(language))
        lease = self._slots.take()
        with torch.inference_mode():
            self._model.state.reset(lease.slot)
        self._streams[lease.id] = _Stream(lease, Timeline(self._geometry, settings))
        return lease

    def push(self, lease: Lease, pcm: bytes | Pcm) -> None:
        """Adds audio: 16 kHz mono, signed 16 bit."""
        samples = np.frombuffer(pcm, np.int16) if isinstance(pcm, bytes) else pcm
        self._timeline(lease).push(samples)
        self._refresh(lease)

    def flush(self, lease: Lease, mark: int, last: bool = False) -> None:
        """Asks for all audio pushed so far, its ragged tail included; answered by a result that carries `mark`.

        The stream keeps its context and goes on from where it was, unless this is its `last` flush: then the lease
        ends with the answer.
        """
        self._timeline(lease).flush(Flush(mark, last))
        self._refresh(lease)

    def change(self, lease: Lease, latency_ms: int | None = None, language: str | None = None) -> None:
        """Changes settings from the first chunk on that reaches beyond the audio pushed so far."""
        timeline = self._timeline(lease)
        now = timeline.latest_settings()
        frames = now.frames if latency_ms is None else self._frames(latency_ms)
        timeline.change(Settings(frames, now.prompt if language is None else self._prompt(language)))
        self._refresh(lease)

    def close(self, lease: Lease) -> None:
        """Ends a lease at once; what it had queued is dropped. A lease that has ended already is left alone."""
        if lease.id not in self._streams:
            return
        self._answers = [answer for answer in self._answers if answer.lease != lease]
        self._end(lease)

    def _end(self, lease: Lease) -> None:
        """The lease is over; answers to its earlier flushes may still wait to be handed out."""
        del self._streams[lease.id]
        self._batcher.discard(lease.id)
        self._slots.give_back(lease)

    # --- stepping ----------------------------------------------------------------------------------------------------

    @property
    def ready(self) -> int:
        """Rows that the next steps will compute, and answers that wait."""
        return len(self._batcher) + len(self._answers)

    @property
    def slots_used(self) -> int:
        """Streams now."""
        return self._slots.used

    def buffered_seconds(self, lease: Lease) -> float:
        """Audio of a stream that is not computed yet."""
        return self._timeline(lease).pending_samples / self._geometry.frame_samples * self.info.frame_seconds

    def step(self) -> list[RowResult]:
        """Computes the batch that is due first; returns at once when nothing is ready."""
        picked = [self._streams[key] for key in self._batcher.pick()]
        answers, self._answers = self._answers, []
        if not picked:
            return answers
        rows = [_next_row(stream) for stream in picked]
        with torch.inference_mode():
            emissions = self._model.step(self._assemble(picked, rows))
        return answers + self._results(picked, rows, emissions)

    def warm_up(self) -> None:
        """Computes one chunk of every size on nobody's behalf, so that the first stream finds everything in place."""
        for frames in self._model.reach:
            timeline = Timeline(self._geometry, Settings(frames, 0))
            timeline.push(np.zeros(frames * self._geometry.frame_samples, np.int16))
            stream = _Stream(Lease(0, TRASH_SLOT), timeline)
            with torch.inference_mode():
                self._model.step(self._assemble([stream], [_next_row(stream)]))

    def _assemble(self, streams: list[_Stream], rows: list[Row]) -> Batch:
        """One copy of audio and one of numbers to the device."""
        pcm = np.stack([stream.timeline.audio_of(row) for stream, row in zip(streams, rows, strict=True)])
        numbers = np.array([self._numbers(stream, row) for stream, row in zip(streams, rows, strict=True)], np.int64)
        columns = torch.from_numpy(numbers.T.copy()).to(self.device, non_blocking=True)
        return Batch(torch.from_numpy(pcm).to(self.device, non_blocking=True), *columns.unbind(0))

    def _numbers(self, stream: _Stream, row: Row) -> tuple[int, ...]:
        """A row's values of the fields of `Batch` from `slots` on."""
        geometry, slot = self._geometry, stream.lease.slot
        first, last = stream.timeline.frames_to_decode(row)
        whole = row.flush is None
        return (
            slot,
            slot if whole else TRASH_SLOT,
            row.position,
            geometry.input_start(row.position),
            row.length,
            UNBOUNDED if whole else geometry.mel_frames(row.samples),
            min(first, last),
            last,
            row.settings.frames if whole else last,
            row.settings.prompt,
        )

    def _results(self, streams: list[_Stream], rows: list[Row], emissions: Emissions) -> list[RowResult]:
        """One copy from the device each of tokens, frames, probabilities and counts."""
        tokens, frames = emissions.tokens.tolist(), emissions.frames.tolist()
        probabilities, counts = emissions.probabilities.tolist(), emissions.count.tolist()
        results = []
        for index, (stream, row) in enumerate(zip(streams, rows, strict=True)):
            count = counts[index]
            found = (
                tuple(tokens[index][:count]),
                tuple(row.position + frame for frame in frames[index][:count]),
                tuple(probabilities[index][:count]),
            )
            results.append(self._finish(stream, row, *found))
        return results

    def _finish(
        self,
        stream: _Stream,
        row: Row,
        tokens: tuple[int, ...] = (),
        frames: tuple[int, ...] = (),
        probabilities: tuple[float, ...] = (),
    ) -> RowResult:
        """Moves the stream on behind a computed row."""
        stream.timeline.done(row)
        mark, ended = (None, False) if row.flush is None else (row.flush.mark, row.flush.last)
        if ended:
            self._end(stream.lease)
        else:
            self._refresh(stream.lease)
        return RowResult(stream.lease, row.samples, tokens, frames, probabilities, mark, ended)

    def _refresh(self, lease: Lease) -> None:
        """Queues the stream's next row, if any; a flush with no frame to decode is answered without computing."""
        stream = self._streams[lease.id]
        row = stream.timeline.next_row()
        while row is not None and row.flush is not None and not _has_frames(stream.timeline, row):
            answer = self._finish_empty(stream, row)
            self._answers.append(answer)
            row = None if answer.ended else stream.timeline.next_row()
        if row is not None:
            self._batcher.add(lease.id, row.settings.frames, self._clock())

    def _finish_empty(self, stream: _Stream, row: Row) -> RowResult:
        assert row.flush is not None
        stream.timeline.done(row)
        if row.flush.last:
            self._end(stream.lease)
        return RowResult(stream.lease, row.samples, mark=row.flush.mark, ended=row.flush.last)

    # --- settings ----------------------------------------------------------------------------------------------------

    def _timeline(self, lease: Lease) -> Timeline:
        try:
            return self._streams[lease.id].timeline
        except KeyError:
            raise LeaseEnded(f"lease {lease.id} has ended") from None

    def _frames(self, latency_ms: int) -> int:
        try:
            return self._chunks[latency_ms]
        except KeyError:
            offered = ", ".join(map(str, self.info.latencies_ms))
            raise UnknownLatency(f"the model offers no latency of {latency_ms} ms; it offers {offered}") from None

    def _prompt(self, language: str) -> int:
        if language not in self.info.languages:
            offered = ", ".join(self.info.languages)
            raise UnknownLanguage(f"the model does not offer the language {language!r}; it offers {offered}")
        return self._prompts.get(language, 0)


def resolve_device(name: str) -> torch.device:
    """The torch device that `name` stands for; ``"auto"`` is CUDA where there is one, else the CPU."""
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    return torch.device(name)


def _next_row(stream: _Stream) -> Row:
    row = stream.timeline.next_row()
    assert row is not None, "the batcher holds only streams with a ready row"
    return row


def _has_frames(timeline: Timeline, row: Row) -> bool:
    first, last = timeline.frames_to_decode(row)
    return first < last


def _info(checkpoint: Checkpoint, latencies: tuple[int, ...], slots: int) -> EngineInfo:
    languages = offered_languages(checkpoint.config.prompt)
    return EngineInfo(
        name=checkpoint.name,
        pieces=checkpoint.pieces,
        latencies_ms=latencies,
        default_latency_ms=PREFERRED_LATENCY_MS if PREFERRED_LATENCY_MS in latencies else latencies[0],
        languages=languages,
        default_language=languages[0],
        frame_seconds=checkpoint.config.frame_seconds,
        slots=slots,
    )
