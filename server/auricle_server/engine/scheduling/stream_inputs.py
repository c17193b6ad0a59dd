"""The input side of every stream: audio in, the next row to compute out. No clock, no tensors, no Python per row.

What a flush decodes, and what it leaves behind, is a choice by measurement: 300 cuts in pauses at each of four
latencies, the moment random from the end of the last word on, the demo model; words against those of the same stream
without cuts.

- *Going on from the flushed state* (of the prediction network; the encoder's cannot be kept without moving the
  clock): up to 11 words in 500 cuts came twice or in pieces, and what followed changed.
- *Restoring the state before it*, and dropping what comes a second time (`stream.flush_dedup`): what follows is
  that of the stream without cuts, token for token. No word was lost.
- *Silence behind the end*: decoders emit a word up to two frames after its end and its full stop up to six. Without
  any, 9 or 10 finals of 300 lacked their closing mark and up to 8 had another last word; with six frames of silence
  imagined behind the cut, at most 1 and at most 5. So a flush decodes `SILENT_FRAMES` more, in a chunk that has room.

The last flush of a stream imagines nothing: its tokens are those of NeMo's offline result.

Audio, flushes and changes of settings are kept in the order in which they came, on the stream's own sample count, so
what is computed does not depend on when it is computed. All numbers lie in arrays indexed by slot; only flushes and
changes of settings, which are rare, are objects.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from auricle_server.audio_batch import AudioBatch
from auricle_server.engine.frames import FrameGeometry
from auricle_server.engine.scheduling.active_settings import NO_ROOTS, ActiveSettings
from auricle_server.engine.scheduling.audio_ring import AudioRings, Slots
from auricle_server.engine.scheduling.batch_rows import BatchRows, FlushAnswer, Numbers
from auricle_server.engine.scheduling.commands import Commands, FlushCommand, StreamSettings
from auricle_server.engine.types import NO_MARK, LeaseEnded, Pcm

SILENT_FRAMES = 5
"""Encoder frames of silence imagined behind a flush. Two chunks of 160 ms and these fit a chunk of 560 ms."""
MOST_TWICE = 4
"""Encoder frames, of a chunk that a flush completes and of what lies behind it, that are decoded for the flush before
the chunk is: two chunks of 160 ms. The two versions of longer stretches differ more often."""


class StreamInputs:
    """Input of the streams in all slots.

    Attributes:
        answers: Flushes answered without computing since somebody last took them away.
        settings: In force.

    Args:
        geometry: Of the model.
        slots: Highest slot.
        sizes: Encoder frames of the chunks that there are, ascending.
        several: How many chunks a row may hold besides one, ascending.
        roots: Root state of each automaton of key terms that is ready, by handle. Streams wait for theirs.
    """

    def __init__(
        self,
        geometry: FrameGeometry,
        slots: int,
        sizes: Sequence[int],
        several: Sequence[int] = (),
        roots: Mapping[int, int] = NO_ROOTS,
    ) -> None:
        self.answers: list[FlushAnswer] = []
        self.settings = ActiveSettings(slots, roots)
        self._geometry = geometry
        self._sizes = sizes
        self._several = several
        self._chunks = np.ones(slots + 1, np.int64)
        """Chunks of each slot's next row."""
        self._audio = AudioRings(geometry, slots, sizes[-1] * max((1, *several)))
        self._position = np.zeros(slots + 1, np.int64)
        self._consumed = np.zeros(slots + 1, np.int64)
        self._flushed = np.zeros(slots + 1, np.int64)
        """Samples of the stream at each slot's last flush."""
        self._flush_frames = np.zeros(slots + 1, np.int64)
        """Encoder frames of each slot's next row where that is a flush, else 0."""
        self._reach = sizes[-1] * max((1, *several)) * geometry.frame_samples
        """Commands further off than this need no look yet."""
        self._commands = Commands(slots)
        self._ending: set[int] = set()

    # --- what comes in -----------------------------------------------------------------------------------------------

    def open(self, slot: int, settings: StreamSettings) -> None:
        """Starts a stream in a slot."""
        self.close(slot)
        self._audio.reset(slot)
        self._position[slot] = self._consumed[slot] = self._flushed[slot] = self._flush_frames[slot] = 0
        self._chunks[slot] = 1
        self.settings.open(slot, settings)

    def pace(self, slot: int, most: int) -> None:
        """How much of a stream in its largest chunks the next row holds: all that is there, in at most `most` chunks.

        No row reaches beyond a command that waits, or a prompt: that takes effect where it would in any stream.
        """
        self._chunks[slot] = 1
        position, frames = int(self._position[slot]), int(self.settings.frames[slot])
        there = min(self._audio.received[slot], self._commands.barrier[slot])
        steady = frames == self._sizes[-1] and not self.settings.turning(slot)
        for chunks in self._several if steady else ():
            if chunks <= most and self._geometry.chunk_end(position, chunks * frames) <= there:
                self._chunks[slot] = chunks

    def close(self, slot: int) -> None:
        """Forgets what the slot has queued."""
        self.settings.close(slot, self._commands.settings(slot))
        self._commands.clear(slot)
        self._ending.discard(slot)

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
        """Takes effect from the first chunk on that reaches beyond the audio pushed so far.

        The prompt waits until a chunk begins behind it: a word that a flush has brought under one prompt must not come
        again under another, which may hear another word.
        """
        self._command(slot, settings)

    def flush(self, slot: int, flush: FlushCommand) -> None:
        """Asks for everything pushed so far to be decoded."""
        self._command(slot, flush)
        if flush.last:
            self._ending.add(slot)

    def latest_settings(self, slot: int) -> StreamSettings:
        """The settings that will be in force once all that is queued has been computed."""
        queued = self._commands.settings(slot)
        return queued[-1] if queued else self.settings.latest(slot)

    def pending_samples(self, slot: int) -> int:
        """Audio received but not computed yet."""
        return int(self._audio.received[slot] - self._consumed[slot])

    def _command(self, slot: int, command: StreamSettings | FlushCommand) -> None:
        self._require_open(slot)
        self._commands.put(slot, int(self._audio.received[slot]), command)

    def _require_open(self, slot: int) -> None:
        if slot in self._ending:
            raise LeaseEnded("the stream's last flush is already queued")

    # --- what is ready -----------------------------------------------------------------------------------------------

    def ready(self, slots: Slots) -> tuple[Numbers, npt.NDArray[np.bool_]]:
        """Which slots have a row to compute.

        Returns:
            Encoder frames of each slot's next chunk, 0 where nothing is ready, [n]; and whether the row is a flush,
            that is whether somebody waits for it, [n].
        """
        frames = self.settings.frames[slots] * self._chunks[slots]
        end = self._geometry.chunk_end(self._position[slots], frames)
        barred = end + self._reach > self._commands.barrier[slots]
        frames = np.where(end <= self._audio.received[slots], frames, 0)
        urgent = np.zeros(len(slots), np.bool_)
        frames[self.settings.held[slots]] = 0
        barred &= ~self.settings.held[slots]
        for index in np.flatnonzero(barred).tolist():
            frames[index], urgent[index] = self._resolve(int(slots[index]))
        return frames, urgent

    def _resolve(self, slot: int) -> tuple[int, bool]:
        """Works off the commands of a slot up to the next row: its frames, 0 when there is none; and if one waits."""
        while (first := self._commands.first(slot)) is not None:
            at, command = first
            if isinstance(command, FlushCommand) and (frames := self._frames_of_flush(slot, at, command)):
                self._flush_frames[slot], self._chunks[slot] = frames, 1
                return frames, True
            answered = isinstance(command, FlushCommand) and at == self._flushed[slot]
            if self._chunk_end(slot) <= at and not answered:
                return self._row(slot), isinstance(command, FlushCommand)
            if isinstance(command, StreamSettings):
                self._apply(slot, command, at)
            else:
                self._consumed[slot] = at
                self.answers.append(FlushAnswer(slot, command, at))
            self._commands.pop(slot)
            if self.settings.held[slot]:
                return 0, False
        frames = self._row(slot)
        ready = self._geometry.chunk_end(int(self._position[slot]), frames) <= self._audio.received[slot]
        return frames if ready else 0, False

    def _row(self, slot: int) -> int:
        """Encoder frames of the slot's next row, when it is no flush."""
        return int(self.settings.frames[slot] * self._chunks[slot])

    def _frames_of_flush(self, slot: int, at: int, flush: FlushCommand) -> int:
        """Encoder frames of the chunk in which a flush is decoded; 0 when whole chunks go first, or nothing is new.

        A short chunk that the flush completes need not go first, if one row has room for both: whoever waits gets the
        answer a step earlier.
        """
        position, frames = int(self._position[slot]), int(self.settings.frames[slot])
        held = int(self._geometry.encoder_frames(at)) - position
        whole = self._chunk_end(slot) <= at
        if held <= 0 or at == self._flushed[slot] or (flush.last and whole):
            return 0
        if flush.last:
            return frames
        roomy = [size for size in self._sizes if size >= max(frames, held + SILENT_FRAMES)]
        if whole and (held > min(2 * frames, MOST_TWICE) or not roomy):
            return 0
        return roomy[0] if roomy else self._sizes[-1]

    def _apply(self, slot: int, settings: StreamSettings, at: int) -> None:
        self.settings.apply(slot, settings, at)
        self._turn_prompts(np.array([slot]))

    def _turn_prompts(self, slots: Numbers) -> None:
        begin = np.maximum(self._geometry.input_start(self._position[slots]), 0)
        self.settings.turn_prompts(slots, begin)

    def _chunk_end(self, slot: int) -> int:
        return int(self._geometry.chunk_end(self._position[slot], self.settings.frames[slot]))

    # --- what is computed --------------------------------------------------------------------------------------------

    def take(self, slots: Numbers) -> BatchRows:
        """The ready rows of slots that share a chunk size; the streams move on behind them."""
        position, flushed = self._position[slots], self._flush_frames[slots]
        whole = flushed == 0
        chunks = int(self._chunks[slots[0]])
        frames = int(flushed[0] or self.settings.frames[slots[0]] * chunks)
        chunk_end = self._geometry.chunk_end(position, self.settings.frames[slots] * chunks)
        samples = np.where(whole, chunk_end, self._commands.barrier[slots])
        marks, ended = self._flushes(slots, whole)
        end = samples + np.where(whole | ended, 0, SILENT_FRAMES * self._geometry.frame_samples)
        last = np.where(whole, frames, np.minimum(frames, self._geometry.encoder_frames(end) - position))
        heard = np.where(whole, position + frames, self._geometry.encoder_frames(samples)) - 1
        prompt, terms = self.settings.prompt[slots], self.settings.terms(slots, whole)
        self._flush_frames[slots] = 0
        self._flushed[slots] = np.where(whole, self._flushed[slots], samples)
        self._consumed[slots] = np.maximum(self._consumed[slots], samples)
        self._position[slots] = np.where(whole, position + frames, position)
        self._turn_prompts(slots)
        return BatchRows(frames, slots, position, samples, end, last, heard, whole, marks, ended, prompt, terms, chunks)

    def _flushes(self, slots: Numbers, whole: npt.NDArray[np.bool_]) -> tuple[Numbers, npt.NDArray[np.bool_]]:
        """Takes the flushes that the rows answer off their queues."""
        marks, ended = np.full(len(slots), NO_MARK, np.int64), np.zeros(len(slots), np.bool_)
        for index in np.flatnonzero(~whole).tolist():
            slot = int(slots[index])
            _, command = self._commands.first(slot) or (0, None)
            assert isinstance(command, FlushCommand), "settings are applied before a row is ready"
            marks[index], ended[index] = command.mark, command.last
            self._commands.pop(slot)
        return marks, ended

    def gather(self, rows: BatchRows, out: Pcm) -> None:
        """Copies the rows' new audio to `out`, [B, c * frame_samples], and forgets what no later chunk needs.

        Behind the audio of a flushed row there is silence.
        """
        self._audio.gather(rows.slots, rows.position, rows.frames, out)
        for index in np.flatnonzero(~rows.whole).tolist():
            out[index, max(0, int(rows.samples[index] - self._geometry.input_start(rows.position[index]))) :] = 0
        self._audio.release(rows.slots, self._position[rows.slots])
