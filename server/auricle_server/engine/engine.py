"""The engine: leases, audio in, tokens out. Single-threaded: one caller at a time.

`Engine.step` is the story: assemble the batch that is due, collect the one before it, launch, return the results.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import torch

from auricle_server.audio_batch import AudioBatch
from auricle_server.checkpoints.load import Checkpoint
from auricle_server.cures import OFF, Cures
from auricle_server.engine.build import BuiltRunner, Hardware, build_runner
from auricle_server.engine.capabilities import Capabilities
from auricle_server.engine.frames import FrameGeometry
from auricle_server.engine.key_terms.automaton_cache import NO_TERMS, AutomatonCache
from auricle_server.engine.key_terms.stream_terms import StreamTerms
from auricle_server.engine.runners.in_flight import InFlightStep, concatenated, without_ended
from auricle_server.engine.runners.pipeline import StepPipeline
from auricle_server.engine.scheduling.background import BackgroundSlots
from auricle_server.engine.scheduling.batch_rows import ReadyRows, Slots
from auricle_server.engine.scheduling.batcher import Batcher
from auricle_server.engine.scheduling.commands import FlushCommand, StreamSettings
from auricle_server.engine.scheduling.restarts import RestartFrames
from auricle_server.engine.scheduling.slot_pool import SlotPool
from auricle_server.engine.scheduling.stream_inputs import StreamInputs
from auricle_server.engine.types import Lease, Pcm, Phrases, StepResults


class Engine:
    """Runs one checkpoint for many streams.

    Args:
        checkpoint: From `auricle_server.checkpoints.load_checkpoint`.
        slots: Streams at once; None takes what suits the device.
        hardware: How to compute.
        device: Replaces the device in `hardware`.
        threads: CPU threads of torch, for the whole process; None leaves them as they are.
        linger: Longest time that a ready row waits for more rows, as a share of its chunk.
        cures: Which cures for known ills of models are on; those that need voice detection are the caller's.
        built: Takes the place of a runner for `hardware`, with slots of its own.
        clock: Seconds; only deadlines depend on it, results never.

    Attributes:
        info: Describes the model to callers.
        device: The torch device.
        weights: Format of the model's weights.
        terms: The streams' key terms; see `StreamTerms.outcomes`.
    """

    def __init__(
        self,
        checkpoint: Checkpoint,
        *,
        slots: int | None = 64,
        hardware: Hardware = Hardware(),  # noqa: B008 - frozen
        device: str | None = None,
        threads: int | None = None,
        linger: float = 0.0,
        cures: Cures = OFF,
        clock: Callable[[], float] = time.monotonic,
        built: BuiltRunner | None = None,
    ) -> None:
        if threads is not None:
            torch.set_num_threads(threads)
        hardware = (replace(hardware, device=device) if device else hardware).resolved()
        self.device = torch.device(hardware.device)
        built = built or build_runner(checkpoint, slots, hardware)
        self.weights, slots, sizes, counts = built.weights, built.slots, built.chunk_sizes, built.chunk_counts
        self._runner, self._clock, load = built.runner, clock, built.runner.load_terms
        self._geometry = FrameGeometry(checkpoint.config)
        self._pipeline = StepPipeline(built.runner, self._geometry)
        self._capabilities = Capabilities(checkpoint, sizes, slots, cures)
        self.info = self._capabilities.info
        self._automata = AutomatonCache(checkpoint.pieces, *built.key_term_capacity, load, scores=checkpoint.scores)
        with torch.inference_mode():
            frames = self._pipeline.warm_up_slots(RestartFrames.of(cures, self.info.frame_seconds), sizes)
        self._inputs = StreamInputs(self._geometry, slots, sizes, counts, self._automata.roots, frames)
        row_sizes = [*sizes, *(sizes[-1] * count for count in counts)]
        self._batcher = Batcher(self._geometry.frame_seconds, hardware.rows_of(row_sizes), slots, linger, built.pause)
        self._background = BackgroundSlots(max((1, *counts)), sizes[-1])
        self._slots = SlotPool(slots)
        self.terms = StreamTerms(self._automata, self._inputs, self._slots, self._pipeline)

    # --- leases ------------------------------------------------------------------------------------------------------

    def open(self, latency_ms: int, language: str, keyterms: Phrases = (), *, wait: bool = True) -> Lease:
        """Starts a stream, in which the phrases `keyterms` are favoured; for `wait` see `change`.

        Raises:
            NoSlot: All slots are leased.
            UnknownLatency: Not one of `info.latencies_ms`.
            UnknownLanguage: Not one of `info.languages`.
        """
        frames, prompt = self._capabilities.frames(latency_ms), self._capabilities.prompt(language)
        lease = self._slots.take()
        terms = self.terms.take(lease.slot, keyterms, NO_TERMS, wait=wait) if keyterms else NO_TERMS
        self._pipeline.reset(lease.slot)
        self._inputs.open(lease.slot, StreamSettings(frames, prompt, terms))
        self._batcher.add_stream(lease.slot, frames)
        if self._background.slots:
            self._queue_ready(self._background.in_order)  # their queued rows may be too long now
        return lease

    def push(self, lease: Lease, pcm: bytes | Pcm) -> None:
        """Adds audio: 16 kHz mono, signed 16 bit. Like `flush` and `change`, raises `LeaseEnded` on an ended lease."""
        slot = self._slots.slot_of(lease)
        self._inputs.push(slot, np.frombuffer(pcm, np.int16) if isinstance(pcm, bytes) else pcm)
        self._queue_ready(np.array([slot]))

    def push_batch(self, batch: AudioBatch) -> None:
        """Adds audio of many streams at once; the audio of a lease that has ended is skipped."""
        alive = (self._slots.lease_of[batch.slots] == batch.leases) & (batch.leases > 0)  # lease 0 is a free slot's
        if not alive.all():
            batch = batch.where(alive)
        self._inputs.push_batch(batch)
        self._queue_ready(batch.slots)

    def flush(self, lease: Lease, mark: int, last: bool = False) -> None:
        """Requests all audio pushed so far, its ragged tail included; answered by a row that carries `mark` (>= 0).

        The answer is what the model finds if only silence follows. The stream itself continues from its state before
        the flush: what the flush has decoded is decoded again, with what follows (see `scheduling.flush_rows`, and
        `stream.flush_dedup`). With its `last` flush the lease ends, and no silence is appended.
        """
        slot = self._slots.slot_of(lease)
        if last:
            self.terms.drop(slot)
        self._inputs.flush(slot, FlushCommand(mark, last))
        self._queue_ready(np.array([slot]))

    def change(
        self,
        lease: Lease,
        latency_ms: int | None = None,
        language: str | None = None,
        keyterms: Phrases | None = None,
        wait: bool = True,
    ) -> None:
        """Changes settings from the first chunk on that reaches beyond the audio pushed so far.

        The language changes with the first chunk that begins after that audio. A stream waits for its key terms, and
        its words do not depend on when they are prepared. Without `wait` it goes on meanwhile: see `terms`.

        Raises:
            UnknownLatency: Not one of `info.latencies_ms`.
            UnknownLanguage: Not one of `info.languages`.
        """
        slot = self._slots.slot_of(lease)
        self._inputs.require_open(slot)  # before key terms are taken that nobody would release
        now = self._inputs.latest_settings(slot)
        frames = now.frames if latency_ms is None else self._capabilities.frames(latency_ms)
        prompt = now.prompt if language is None else self._capabilities.prompt(language)
        terms = now.terms if keyterms is None else self.terms.take(slot, keyterms, now.terms, wait=wait)
        self._inputs.change(slot, StreamSettings(frames, prompt, terms))
        self._queue_ready(np.array([slot]))

    def set_background(self, lease: Lease) -> None:
        """Gives a stream background priority, for files: its rows, the same words, wait while any other is ready."""
        self._background.slots.add(self._slots.slot_of(lease))
        self._batcher.set_background(lease.slot)

    def decode_again(self, lease: Lease, since: int) -> None:
        """Starts the stream's state anew and decodes the audio from sample `since` on again.

        Nothing happens if a token has come since, or the lease has ended. Only audio that is kept is decoded again.
        """
        slot, frame = lease.slot, max(0, since // self._geometry.frame_samples)
        if self._slots.holds(lease) and self._inputs.restarts.request(slot, frame) and not self._pipeline.holds(slot):
            self._restart(slot)

    def _restart(self, slot: int) -> None:
        self._batcher.drop_row(slot)
        self._inputs.restart(slot)
        self._pipeline.reset(slot)
        self._queue_ready(np.array([slot]))

    def close(self, lease: Lease) -> None:
        """Ends a lease at once, unless it has ended, and drops what it had queued."""
        if self._slots.holds(lease):
            self._end(lease)

    def _end(self, lease: Lease) -> None:
        self._background.slots.discard(lease.slot)
        self._batcher.remove_stream(lease.slot)
        self.terms.drop(lease.slot)
        for handle in self._inputs.close(lease.slot):
            self._automata.release(handle)
        self._slots.release(lease)

    @property
    def ready(self) -> int:
        """Rows to compute, answers to return, steps in flight and key terms to prepare; step until it is 0."""
        return len(self._batcher) + len(self._pipeline) + self._automata.busy

    @property
    def wait(self) -> float | None:
        """Seconds to wait for more rows before the next step; None while there is nothing to step for."""
        if self._pipeline or self._automata.busy:
            return 0.0
        return self._batcher.wait(self._clock())

    @property
    def slots_used(self) -> int:
        """Streams that are open."""
        return self._slots.used

    @property
    def restarts(self) -> int:
        """How often a stream's state has started anew."""
        return self._inputs.restarts.count

    def buffered_seconds(self, lease: Lease) -> float:
        """Audio of a stream that is not computed yet."""
        pending = self._inputs.pending_samples(self._slots.slot_of(lease))
        return pending / self._geometry.frame_samples * self.info.frame_seconds

    # --- stepping ----------------------------------------------------------------------------------------------------

    @torch.inference_mode()
    def warm_up(self, seconds: float = float("inf")) -> bool:
        """See `Runner.warm_up`; no step is in flight."""
        return self._runner.warm_up(seconds)

    def step(self) -> StepResults:
        """Launches the batch that is due first and returns the results of the one before it.

        On CUDA one batch is always in flight; elsewhere the results are those of the batch just launched.
        """
        with torch.inference_mode():
            following = self._assemble()  # while the device works on the batch in flight
            results = self._collect()
            if self._automata.busy:  # while no batch in flight can use the entries that automata overwrite
                self._queue_ready(self.terms.work())
            if following is not None:
                self._launch(following)
                if self._pipeline.depth == 0:
                    results = concatenated(results, self._collect())
        return self._end_finished(results)

    def _assemble(self) -> InFlightStep | None:
        """The batch that is due first, with its input; None when nothing is ready."""
        slots = self._batcher.pick(self._background.most_frames)
        if not len(slots):
            return None
        rows = self._inputs.take(slots)
        inputs = self._runner.inputs(rows.frames, len(rows))
        self._inputs.gather(rows, inputs.pcm)
        inputs.fill(rows, self._geometry)
        return InFlightStep(self._runner, inputs, rows, self._slots.lease_of[slots])

    def _collect(self) -> StepResults:
        """The results of the batch in flight; streams whose state they restart go on from an earlier frame."""
        results, step = self._pipeline.collect()
        self._background.observe(results.chunk_frames * results.computed, results.seconds)
        if step is not None and self._inputs.restarts.active:
            current = (self._slots.lease_of[step.rows.slots] == step.leases) & ~step.rows.ended
            restarted, released = self._inputs.restarts.observe(step.rows, step.last_tokens, current)
            for slot in restarted.tolist():
                self._restart(slot)
            self._queue_ready(released)
        return results

    def _launch(self, step: InFlightStep) -> None:
        self._pipeline.launch(step)
        if self._inputs.restarts.active:
            self._inputs.restarts.hold(step.rows.slots)
        ready = self._ready(step.rows.slots)
        self._batcher.add_following_rows(step.rows.slots, ready.frames, ready.urgent, self._clock())
        self._answer(ready)

    def _end_finished(self, results: StepResults) -> StepResults:
        """Ends the leases whose last flush is answered; drops the rows of leases that have ended before."""
        results = without_ended(results, self._slots.lease_of)
        for index in np.flatnonzero(results.ended).tolist():
            self._end(Lease(int(results.leases[index]), int(results.slots[index])))
        return results

    def _queue_ready(self, slots: Slots) -> None:
        """Queues the rows of slots that have just received audio, a command or their key terms."""
        ready = self._ready(slots)
        self._batcher.add_rows(slots, ready.frames, ready.urgent, self._clock())
        self._answer(ready)

    def _ready(self, slots: Slots) -> ReadyRows:
        """See `StreamInputs.ready`; streams with background priority may get rows of several chunks."""
        if self._background.slots:
            self._background.set_chunks(slots, self._slots.used, self._inputs)
        return self._inputs.ready(slots)

    def _answer(self, ready: ReadyRows) -> None:
        """Answers flushes that need no computing."""
        for handle in ready.released:
            self._automata.release(handle)
        self._pipeline.answer(ready.answers, self._slots.lease_of)
