"""The input side of every stream: audio in, the next row to compute out. No clock, no tensors, no Python per row.

What a flush decodes, and what state it leaves, is a choice by measurement: 300 cuts in pauses at each of four
latencies, at a random moment from the end of the last word on, with the demo model. The words were compared with those
of the same stream without cuts.

- *Continuing from the flushed state* (of the prediction network; the encoder's cannot be kept without moving the
  clock): up to 11 words in 500 cuts were repeated or split, and what followed changed.
- *Restoring the state before the flush*, and dropping what is decoded a second time (`stream.flush_dedup`): what
  follows is that of the stream without cuts, token for token. No word was lost.
- *Silence after the end*: decoders emit a word up to two frames after its end and its full stop up to six. Without
  silence, 9 or 10 finals of 300 lacked their closing mark and up to 8 had another last word; with six frames of silence
  appended to the cut, at most 1 and at most 5. So a flush decodes `SILENT_FRAMES` more, in a chunk that holds them.

The last flush of a stream appends no silence: its tokens are those of NeMo's offline result.

Audio, flushes and changes of settings are kept in the order in which they arrived, on the stream's own sample count, so
what is computed does not depend on when it is computed. All numbers lie in arrays indexed by slot; only flushes and
changes of settings, which are rare, are objects.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from auricle_server.audio_batch import AudioBatch
from auricle_server.engine.frames import FrameGeometry
from auricle_server.engine.scheduling.active_settings import NO_ROOTS, ActiveSettings
from auricle_server.engine.scheduling.audio_ring import AudioRings
from auricle_server.engine.scheduling.batch_rows import BatchRows, Bools, FlushAnswer, Int64s, ReadyRows, Slots
from auricle_server.engine.scheduling.commands import Commands, FlushCommand, StreamSettings
from auricle_server.engine.types import NO_MARK, LeaseEnded, Pcm

SILENT_FRAMES = 5
"""Encoder frames of silence that a flush appends. Two chunks of 160 ms and these fit a chunk of 560 ms."""
MOST_TWICE = 4
"""Encoder frames, of a chunk that a flush completes and of the audio after it, that are decoded for the flush before
the chunk is: two chunks of 160 ms. The two versions of longer stretches differ more often."""


class StreamInputs:
    """Input of the streams in all slots.

    Args:
        geometry: Of the model.
        slots: Highest slot.
        sizes: Chunk sizes in encoder frames, ascending.
        chunk_counts: How many chunks a row of background priority may hold, ascending, 1 left out.
        roots: Root state of each automaton of key terms that is ready, by handle. A stream
            waits for its own.
    """

    def __init__(
        self,
        geometry: FrameGeometry,
        slots: int,
        sizes: Sequence[int],
        chunk_counts: Sequence[int] = (),
        roots: Mapping[int, int] = NO_ROOTS,
    ) -> None:
        self._settings = ActiveSettings(slots, roots)
        self._geometry = geometry
        self._sizes = sizes
        self._chunk_counts = chunk_counts
        self._chunks = np.ones(slots + 1, np.int64)
        """Chunks of each slot's next row."""
        self._audio = AudioRings(geometry, slots, sizes[-1] * max((1, *chunk_counts)))
        self._position = np.zeros(slots + 1, np.int64)
        self._consumed = np.zeros(slots + 1, np.int64)
        self._flushed = np.zeros(slots + 1, np.int64)
        """Samples of the stream at each slot's last flush."""
        self._flush_frames = np.zeros(slots + 1, np.int64)
        """Encoder frames of each slot's next row where that is a flush, else 0."""
        self._reach = sizes[-1] * max((1, *chunk_counts)) * geometry.frame_samples
        """Samples of the longest row: a command further ahead than this cannot concern the next one."""
        self._commands = Commands(slots)
        self._ending: set[int] = set()

    # --- input -----------------------------------------------------------------------------------------------

    def open(self, slot: int, settings: StreamSettings) -> None:
        """Starts a stream in a slot that is free."""
        released = self.close(slot)
        assert not released, "a slot is closed before it is opened again"
        self._audio.reset(slot)
        self._position[slot] = self._consumed[slot] = self._flushed[slot] = self._flush_frames[slot] = 0
        self._chunks[slot] = 1
        self._settings.open(slot, settings)

    def set_most_chunks(self, slot: int, most: int) -> None:
        """Lets the next row of a stream in the largest chunks hold all its audio, in at most `most` chunks.

        No row reaches beyond a command or a prompt that waits, so that it takes effect where it would in any stream.
        """
        self._chunks[slot] = 1
        position, frames = int(self._position[slot]), int(self._settings.frames[slot])
        available = min(self._audio.received[slot], self._commands.barrier[slot])
        steady = frames == self._sizes[-1] and not self._settings.prompt_pending(slot)
        for chunks in self._chunk_counts if steady else ():
            if chunks <= most and self._geometry.chunk_end(position, chunks * frames) <= available:
                self._chunks[slot] = chunks

    def close(self, slot: int) -> list[int]:
        """Drops what the slot has queued. Returns the handles of key terms that the stream no longer uses."""
        released = self._settings.close(slot, self._commands.settings(slot))
        self._commands.clear(slot)
        self._ending.discard(slot)
        return released

    def push(self, slot: int, pcm: Pcm) -> None:
        """Appends audio, 16 kHz mono."""
        self._require_open(slot)
        self._audio.append(slot, pcm)

    def push_batch(self, batch: AudioBatch) -> None:
        """Appends audio to several streams."""
        if self._ending:
            for slot in self._ending.intersection(batch.slots.tolist()):
                self._require_open(slot)
        self._audio.append_batch(batch)

    def change(self, slot: int, settings: StreamSettings) -> None:
        """Changes settings from the first chunk on that reaches beyond the audio pushed so far.

        The prompt waits until a chunk begins after that audio: a word that a flush has decoded under one prompt must
        not be decoded again under another one, which may find another word.
        """
        self._command(slot, settings)

    def flush(self, slot: int, flush: FlushCommand) -> None:
        """Requests that everything pushed so far is decoded."""
        self._command(slot, flush)
        if flush.last:
            self._ending.add(slot)

    def latest_settings(self, slot: int) -> StreamSettings:
        """The settings that will be in force once all that is queued has been computed."""
        queued = self._commands.settings(slot)
        return queued[-1] if queued else self._settings.latest(slot)

    def pending_samples(self, slot: int) -> int:
        """Audio received but not computed yet."""
        return int(self._audio.received[slot] - self._consumed[slot])

    def _command(self, slot: int, command: StreamSettings | FlushCommand) -> None:
        self._require_open(slot)
        self._commands.put(slot, int(self._audio.received[slot]), command)

    def _require_open(self, slot: int) -> None:
        if slot in self._ending:
            raise LeaseEnded("the stream's last flush is already queued; open a new stream")

    # --- ready rows --------------------------------------------------------------------------------------------------

    def terms_ready(self, terms: int) -> Int64s:
        """Takes note that an automaton of key terms is ready. Returns the slots that have waited for it."""
        return self._settings.terms_ready(terms)

    def ready(self, slots: Slots) -> ReadyRows:
        """The rows that n slots have to compute next, and the flushes that need no computing."""
        frames = self._settings.frames[slots] * self._chunks[slots]
        end = self._geometry.chunk_end(self._position[slots], frames)
        waiting = self._settings.waiting[slots]
        # Most slots have no command near: only these few are worth a loop in Python.
        near_command = (end + self._reach > self._commands.barrier[slots]) & ~waiting
        frames = np.where((end <= self._audio.received[slots]) & ~waiting, frames, 0)
        urgent = np.zeros(len(slots), np.bool_)
        answers: list[FlushAnswer] = []
        released: list[int] = []
        for index in np.flatnonzero(near_command).tolist():
            frames[index], urgent[index] = self._resolve(int(slots[index]), answers, released)
        return ReadyRows(frames, urgent, answers, released)

    def _resolve(self, slot: int, answers: list[FlushAnswer], released: list[int]) -> tuple[int, bool]:
        """Executes the commands of a slot up to its next row.

        Args:
            slot: Slot of the stream.
            answers: Gets the flushes that need no computing.
            released: Gets the handles of key terms that the stream no longer uses.

        Returns:
            Encoder frames of the row, 0 when nothing is ready; and whether it is a flush.
        """
        while (first := self._commands.first(slot)) is not None:
            at, command = first
            if isinstance(command, FlushCommand) and (frames := self._frames_of_flush(slot, at, command)):
                self._flush_frames[slot], self._chunks[slot] = frames, 1
                return frames, True
            # A second flush without audio since the first finds nothing new.
            answered = isinstance(command, FlushCommand) and at == self._flushed[slot]
            if self._chunk_end(slot) <= at and not answered:
                return self._row(slot), isinstance(command, FlushCommand)
            if isinstance(command, StreamSettings):
                released += self._apply(slot, command, at)
            else:
                self._consumed[slot] = at
                answers.append(FlushAnswer(slot, command, at))
            self._commands.pop(slot)
            if self._settings.waiting[slot]:
                return 0, False
        frames = self._row(slot)
        ready = self._geometry.chunk_end(int(self._position[slot]), frames) <= self._audio.received[slot]
        return frames if ready else 0, False

    def _row(self, slot: int) -> int:
        """Encoder frames of the slot's next row, unless that is a flush."""
        return int(self._settings.frames[slot] * self._chunks[slot])

    def _frames_of_flush(self, slot: int, at: int, flush: FlushCommand) -> int:
        """Encoder frames of the chunk in which a flush is decoded; 0 when whole chunks go first, or nothing is new.

        A short chunk that the flush completes need not go first when one row holds both: the answer then comes a step
        earlier.
        """
        position, frames = int(self._position[slot]), int(self._settings.frames[slot])
        pending = int(self._geometry.encoder_frames(at)) - position
        whole = self._chunk_end(slot) <= at
        if pending <= 0 or at == self._flushed[slot] or (flush.last and whole):
            return 0
        if flush.last:
            return frames
        fitting = [size for size in self._sizes if size >= max(frames, pending + SILENT_FRAMES)]
        if whole and (pending > min(2 * frames, MOST_TWICE) or not fitting):
            return 0
        return fitting[0] if fitting else self._sizes[-1]

    def _apply(self, slot: int, settings: StreamSettings, at: int) -> list[int]:
        released = self._settings.apply(slot, settings, at)
        self._switch_prompts(np.array([slot]))
        return released

    def _switch_prompts(self, slots: Int64s) -> None:
        begin = np.maximum(self._geometry.input_start(self._position[slots]), 0)
        self._settings.switch_prompts(slots, begin)

    def _chunk_end(self, slot: int) -> int:
        return int(self._geometry.chunk_end(self._position[slot], self._settings.frames[slot]))

    # --- taking rows -------------------------------------------------------------------------------------------------

    def take(self, slots: Int64s) -> BatchRows:
        """Takes the ready rows of slots that share a chunk size, [B]; the streams advance past them."""
        position, flushed = self._position[slots], self._flush_frames[slots]
        whole = flushed == 0
        chunks = int(self._chunks[slots[0]])
        frames = int(flushed[0] or self._settings.frames[slots[0]] * chunks)
        chunk_end = self._geometry.chunk_end(position, self._settings.frames[slots] * chunks)
        samples = np.where(whole, chunk_end, self._commands.barrier[slots])
        marks, ended = self._flushes(slots, whole)
        end = samples + np.where(whole | ended, 0, SILENT_FRAMES * self._geometry.frame_samples)
        last = np.where(whole, frames, np.minimum(frames, self._geometry.encoder_frames(end) - position))
        last_audio_frame = np.where(whole, position + frames, self._geometry.encoder_frames(samples)) - 1
        prompt, terms = self._settings.prompt[slots], self._settings.terms(slots, whole)
        self._flush_frames[slots] = 0
        self._flushed[slots] = np.where(whole, self._flushed[slots], samples)
        # A flush may have answered for audio beyond the chunk that is complete only now.
        self._consumed[slots] = np.maximum(self._consumed[slots], samples)
        # A flush leaves the stream where it was: its frames are computed again, with what follows.
        self._position[slots] = np.where(whole, position + frames, position)
        self._switch_prompts(slots)
        return BatchRows(
            frames, slots, position, samples, end, last, last_audio_frame, whole, marks, ended, prompt, terms, chunks
        )

    def _flushes(self, slots: Int64s, whole: Bools) -> tuple[Int64s, Bools]:
        """Removes the flushes that the rows answer from their queues: their marks, and which are the last ones."""
        marks, ended = np.full(len(slots), NO_MARK, np.int64), np.zeros(len(slots), np.bool_)
        for index in np.flatnonzero(~whole).tolist():
            slot = int(slots[index])
            _, command = self._commands.first(slot) or (0, None)
            assert isinstance(command, FlushCommand), "settings are applied before a row is ready"
            marks[index], ended[index] = command.mark, command.last
            self._commands.pop(slot)
        return marks, ended

    def gather(self, rows: BatchRows, out: Pcm) -> None:
        """Copies the rows' new audio to `out`, [B, c * frame_samples], and gives up what no later chunk needs.

        After the audio of a flushed row there is silence.
        """
        self._audio.gather(rows.slots, rows.position, rows.frames, out)
        for index in np.flatnonzero(~rows.whole).tolist():
            out[index, max(0, int(rows.samples[index] - self._geometry.input_start(rows.position[index]))) :] = 0
        self._audio.release(rows.slots, self._position[rows.slots])
