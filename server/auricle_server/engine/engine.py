"""The engine: leases, audio in, tokens out. Single-threaded: one caller at a time.

`Engine.step` tells the story: assemble the batch that is due, collect the one before it, launch, hand out what came.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from auricle_server.audio_batch import AudioBatch
from auricle_server.checkpoints.load import Checkpoint
from auricle_server.engine.build import Hardware, build_runner
from auricle_server.engine.capabilities import Capabilities
from auricle_server.engine.frames import UNBOUNDED, FrameGeometry
from auricle_server.engine.key_terms.automaton_cache import AutomatonCache
from auricle_server.engine.runners.in_flight import FlushAnswers, InFlightStep, joined, living
from auricle_server.engine.scheduling.batch_rows import BatchRows
from auricle_server.engine.scheduling.batcher import Batcher
from auricle_server.engine.scheduling.commands import FlushCommand, StreamSettings
from auricle_server.engine.scheduling.slot_pool import SlotPool
from auricle_server.engine.scheduling.stream_inputs import StreamInputs
from auricle_server.engine.types import Lease, LeaseEnded, Pcm, StepResults

LEARNING_SECONDS = 0.001
"""For how long, at most, one step works on key terms; a step of any model takes longer."""


class Engine:
    """Runs one checkpoint for many streams.

    Args:
        checkpoint: From `auricle_server.checkpoints.load_checkpoint`.
        slots: Streams at once; None takes what suits the device.
        hardware: How to compute.
        device: In place of the one in `hardware`.
        threads: CPU threads of torch, for the whole process; None leaves them as they are.
        linger: Longest time that a ready row waits for company, as a share of its chunk.
        clock: Seconds; only deadlines depend on it, results never.

    Attributes:
        info: The model, for callers.
        device: Where it runs.
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
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        if threads is not None:
            torch.set_num_threads(threads)
        hardware = (replace(hardware, device=device) if device else hardware).resolved()
        self.device = torch.device(hardware.device)
        with torch.inference_mode():
            built = build_runner(checkpoint, slots, hardware)
        self._runner, slots, sizes = built.runner, built.slots, built.chunk_sizes
        frame_seconds = checkpoint.config.frame_seconds
        self._geometry = FrameGeometry(checkpoint.config)
        self._library = AutomatonCache(checkpoint.pieces, *built.terms, built.runner.load_terms)
        self._timelines = StreamInputs(self._geometry, slots, sorted(sizes), built.several, self._library.roots)
        self._most_chunks = max((1, *built.several))
        self._behind: set[int] = set()
        """Slots of streams that nobody listens to live."""
        self._slots = SlotPool(slots)
        self._lease_of = np.zeros(slots + 1, np.int64)
        self._clock = clock
        self._batcher = Batcher(
            frame_seconds, hardware.rows_of([*sizes, *(sizes[-1] * chunks for chunks in built.several)]), slots, linger
        )
        self._flights: deque[InFlightStep] = deque()
        self._answers = FlushAnswers()
        self._unset: list[int] = []
        self._offer = Capabilities(checkpoint, sizes, slots)
        self.info = self._offer.info

    # --- leases ------------------------------------------------------------------------------------------------------

    def open(self, latency_ms: int, language: str, keyterms: tuple[str, ...] = ()) -> Lease:
        """Starts a stream, in which the phrases `keyterms` are favoured.

        Raises:
            NoSlot: All slots are leased.
            UnknownLatency: Not one of `info.latencies_ms`.
            UnknownLanguage: Not one of `info.languages`.
        """
        frames, prompt = self._offer.frames(latency_ms), self._offer.prompt(language)
        lease = self._slots.take()
        settings = StreamSettings(frames, prompt, self._library.take(keyterms))
        self._lease_of[lease.slot] = lease.id
        self._unset.append(lease.slot)
        self._timelines.open(lease.slot, settings)
        self._batcher.join(lease.slot, settings.frames)
        if self._behind:
            self._refresh(np.array(sorted(self._behind)))  # what they have queued may be too long now
        return lease

    def push(self, lease: Lease, pcm: bytes | Pcm) -> None:
        """Adds audio: 16 kHz mono, signed 16 bit."""
        slot = self._slot(lease)
        self._timelines.push(slot, np.frombuffer(pcm, np.int16) if isinstance(pcm, bytes) else pcm)
        self._refresh(np.array([slot]))

    def push_batch(self, batch: AudioBatch) -> None:
        """Adds audio of many streams at once; what comes for a lease that has ended is skipped."""
        alive = (self._lease_of[batch.slots] == batch.leases) & (batch.leases > 0)  # 0: nobody's
        if not alive.all():
            pcm = batch.pcm[np.repeat(alive, batch.lengths)]
            batch = AudioBatch(batch.slots[alive], batch.leases[alive], batch.lengths[alive], pcm)
        self._timelines.push_batch(batch)
        self._refresh(batch.slots)

    def flush(self, lease: Lease, mark: int, last: bool = False) -> None:
        """Asks for all audio pushed so far, its ragged tail included; answered by a row that carries `mark` (>= 0).

        The answer is what the model says if nothing but silence follows. The stream itself goes on from before: what
        the flush has brought comes again, with what follows (see `auricle_server.engine.scheduling.stream_inputs`, and
        `stream.flush_dedup`). With its `last` flush the lease ends, and the answer is that of the audio by
        itself.
        """
        slot = self._slot(lease)
        self._timelines.flush(slot, FlushCommand(mark, last))
        self._refresh(np.array([slot]))

    def change(
        self,
        lease: Lease,
        latency_ms: int | None = None,
        language: str | None = None,
        keyterms: tuple[str, ...] | None = None,
    ) -> None:
        """Changes settings from the first chunk on that reaches beyond the audio pushed so far.

        The language changes with the first chunk that begins there: what was said before is not heard in it.

        A stream waits for its new key terms: what it says does not depend on how long the engine takes to learn them.
        """
        slot = self._slot(lease)
        now = self._timelines.latest_settings(slot)
        frames = now.frames if latency_ms is None else self._offer.frames(latency_ms)
        prompt = now.prompt if language is None else self._offer.prompt(language)
        terms = now.terms if keyterms is None else self._library.take(keyterms)
        self._timelines.change(slot, StreamSettings(frames, prompt, terms))
        if keyterms is not None and terms == now.terms:
            self._library.release(terms)  # the settings before hold it already
        self._refresh(np.array([slot]))

    def set_background(self, lease: Lease) -> None:
        """Nobody listens to this stream live: it is computed while nothing else is ready, in whole stretches of audio.

        For files. What is heard is the same; a stream that has the model's largest latency is heard much faster. While
        there are live streams its rows are single chunks, one at a time, so that none of them waits for long.
        """
        slot = self._slot(lease)
        self._behind.add(slot)
        self._batcher.set_background(slot)

    def close(self, lease: Lease) -> None:
        """Ends a lease at once; what it had queued is dropped. A lease that has ended already is left alone."""
        if self._lease_of[lease.slot] == lease.id:
            self._end(lease)

    def _end(self, lease: Lease) -> None:
        self._lease_of[lease.slot] = 0
        self._behind.discard(lease.slot)
        self._batcher.leave(lease.slot)
        self._timelines.close(lease.slot)
        self._release_terms()
        self._slots.give_back(lease)

    # --- stepping ----------------------------------------------------------------------------------------------------

    @property
    def ready(self) -> int:
        """Rows to compute, answers that wait, steps on their way, key terms to learn; while it is not 0, step."""
        return len(self._batcher) + len(self._answers) + len(self._flights) + self._library.busy

    @property
    def wait(self) -> float | None:
        """Seconds for which the next step had better wait for more rows; None while there is nothing to step for."""
        if self._flights or self._answers or self._library.busy:
            return 0.0
        return self._batcher.wait(self._clock())

    @property
    def slots_used(self) -> int:
        """Streams now."""
        return self._slots.used

    def buffered_seconds(self, lease: Lease) -> float:
        """Audio of a stream that is not computed yet."""
        pending = self._timelines.pending_samples(self._slot(lease))
        return pending / self._geometry.frame_samples * self.info.frame_seconds

    def step(self) -> StepResults:
        """Launches the batch that is due first and returns what the one before it brought.

        Where the device works while the host does (CUDA), one batch is always on its way; elsewhere the results are
        those of the batch just launched. Returns at once when nothing is ready.
        """
        with torch.inference_mode():
            flight = self._assemble()
            results, self._answers = self._answers.results(), FlushAnswers()
            if self._flights:
                results = joined(results, self._flights.popleft().land())
            self._learn_terms()
            if flight is not None:
                self._launch(flight)
                if self._runner.depth == 0:
                    results = joined(results, self._flights.popleft().land())
        return self._hand_out(results)

    def _learn_terms(self) -> None:
        """Works a little on automata of key terms; no batch is on its way, which may need what gives room to them."""
        if self._library.busy:
            for handle in self._library.work(LEARNING_SECONDS):
                slots = self._timelines.settings.wake(handle)
                self._refresh(slots)

    def _release_terms(self) -> None:
        settings = self._timelines.settings
        dropped, settings.dropped = settings.dropped, []
        for handle in dropped:
            self._library.release(handle)

    def _launch(self, flight: InFlightStep) -> None:
        if self._unset:  # behind the batch before, which may still have written to these slots
            self._runner.reset(self._unset)
            self._unset = []
        flight.launch()
        self._flights.append(flight)
        slots = flight.rows.slots
        self._batcher.follow(slots, *self._ready(slots), self._clock())
        self._take_answers()

    def _hand_out(self, results: StepResults) -> StepResults:
        """Ends what is over and drops what nobody waits for any more."""
        results = living(results, self._lease_of)
        for index in np.flatnonzero(results.ended).tolist():
            self._end(Lease(int(results.leases[index]), int(results.slots[index])))
        return results

    def warm_up(self) -> None:
        """Makes everything that the first stream would otherwise wait for."""
        with torch.inference_mode():
            self._runner.warm_up()

    def _assemble(self) -> InFlightStep | None:
        """The batch that is due first, its input in place; None when nothing is ready."""
        slots = self._batcher.pick()
        if not len(slots):
            return None
        rows = self._timelines.take(slots)
        inputs = self._runner.inputs(rows.frames, len(rows))
        self._timelines.gather(rows, inputs.pcm)
        inputs.numbers[:] = self._numbers(rows)
        return InFlightStep(self._runner, inputs, rows, self._lease_of[slots])

    def _numbers(self, rows: BatchRows) -> list[npt.NDArray[np.int64]]:
        """The fields of `Batch` from `slots` on."""
        geometry, whole = self._geometry, rows.whole
        return [
            rows.slots,
            np.where(whole, rows.slots, 0),
            rows.position,
            geometry.input_start(rows.position),
            np.where(whole, UNBOUNDED, rows.end),
            np.where(whole, UNBOUNDED, geometry.mel_frames(rows.end)),
            rows.last,
            rows.prompt,
            rows.terms,
        ]

    def _refresh(self, slots: npt.NDArray[np.integer[Any]]) -> None:
        """Queues the rows for which these slots have just got what was missing."""
        self._batcher.add(slots, *self._ready(slots), self._clock())
        self._take_answers()

    def _ready(self, slots: npt.NDArray[np.integer[Any]]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.bool_]]:
        """See `StreamInputs.ready`."""
        if self._behind:
            live = self._slots.used - len(self._behind)
            most = 1 if live else self._most_chunks // len(self._behind)
            for slot in self._behind.intersection(slots.tolist()):
                self._timelines.pace(slot, most)
        return self._timelines.ready(slots)

    def _take_answers(self) -> None:
        """A flush with no frame to decode needs no computing, but may not overtake words that are on their way."""
        self._release_terms()
        answers, self._timelines.answers = self._timelines.answers, []
        for answer in answers:
            behind = self._flights[-1].answers if self._flights else self._answers
            behind.add(int(self._lease_of[answer.slot]), answer)

    # --- settings ----------------------------------------------------------------------------------------------------

    def _slot(self, lease: Lease) -> int:
        if self._lease_of[lease.slot] != lease.id:
            raise LeaseEnded(f"lease {lease.id} has ended")
        return lease.slot
