"""The input side of every stream: audio in, the next row to compute out. No clock, no tensors, no Python per row.

What a flush decodes, and what it leaves behind, is a choice by measurement: 300 cuts in pauses at each of four
latencies, the moment random from the end of the last word on, the demo model; words against those of the same stream
without cuts.

- *Going on from the flushed state* (of the prediction network; the encoder's cannot be kept without moving the
  clock): up to 11 words in 500 cuts came twice or in pieces, and what followed changed.
- *Restoring the state before it*, and dropping what comes a second time (`auricle_server.echo`): what follows is that
  of the stream without cuts, token for token. No word was lost.
- *Silence behind the end*: decoders emit a word up to two frames after its end and its full stop up to six. Without
  any, 9 or 10 finals of 300 lacked their closing mark and up to 8 had another last word; with six frames of silence
  imagined behind the cut, at most 1 and at most 5. So a flush decodes `SILENT_FRAMES` more, in a chunk that has room.

The last flush of a stream imagines nothing: its tokens are those of NeMo's offline result.

Audio, flushes and changes of settings are kept in the order in which they came, on the stream's own sample count, so
what is computed does not depend on when it is computed. All numbers lie in arrays indexed by slot; only flushes and
changes of settings, which are rare, are objects.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
import numpy.typing as npt

from auricle_server.engine.audio import AudioRings, Slots
from auricle_server.engine.geometry import Geometry
from auricle_server.engine.types import NO_MARK, AudioBatch, LeaseEnded, Pcm

UNBOUNDED = 1 << 30
"""Length of a stream whose end is not known yet."""
SILENT_FRAMES = 5
"""Encoder frames of silence imagined behind a flush. Two chunks of 160 ms and these fit a chunk of 560 ms."""
MOST_TWICE = 4
"""Encoder frames, of a chunk that a flush completes and of what lies behind it, that are decoded for the flush before
the chunk is: two chunks of 160 ms. The two versions of longer stretches differ more often."""
_NEVER = np.iinfo(np.int64).max
NO_ROOTS: Mapping[int, int] = MappingProxyType({0: 0})

Numbers = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Settings:
    """What a stream may change at a chunk boundary.

    Attributes:
        frames: Encoder frames of a chunk (right context + 1).
        prompt: Index of the language prompt; 0 where the model has none.
        terms: Handle of its key terms' automaton; 0 for none.
    """

    frames: int
    prompt: int
    terms: int = 0


@dataclass(frozen=True, slots=True)
class Flush:
    """Decode everything up to here; `last` ends the stream."""

    mark: int
    last: bool


@dataclass(frozen=True, slots=True)
class Answer:
    """A flush that needs no computing: everything before it has been decoded."""

    slot: int
    flush: Flush
    samples: int


@dataclass(frozen=True, slots=True)
class Rows:
    """Chunks of one size to compute, one per stream; all [B].

    A whole chunk's state is kept. A flushed row ends inside its chunk, at `samples`, or in the silence imagined behind
    it; its state is thrown away, because the frames will be computed again when the rest of the chunk is there.

    Attributes:
        frames: Encoder frames of a chunk, c.
        slots: Whose.
        position: First encoder frame.
        samples: Audio position on which the row rests.
        end: The same and the silence imagined behind it.
        last: One past the last frame to decode.
        heard: Last encoder frame, absolute, that there is audio for.
        whole: Whether the chunk is complete; else this is a flush.
        marks: The flush that is answered, or `NO_MARK`.
        ended: Whether that flush is the stream's last.
        prompt: Language prompt.
        terms: As in `Batch`.
        chunks: Chunks of each row; more than one only in rows of streams that nobody listens to live.
    """

    frames: int
    slots: Numbers
    position: Numbers
    samples: Numbers
    end: Numbers
    last: Numbers
    heard: Numbers
    whole: npt.NDArray[np.bool_]
    marks: Numbers
    ended: npt.NDArray[np.bool_]
    prompt: Numbers
    terms: Numbers
    chunks: int = 1

    def __len__(self) -> int:
        return len(self.slots)


class Timelines:
    """Input of the streams in all slots.

    Attributes:
        answers: Flushes answered without computing since somebody last took them away.
        dropped: Handles of automata that streams no longer need, likewise; one for each `Settings` that brought it.

    Args:
        geometry: Of the model.
        slots: Highest slot.
        sizes: Encoder frames of the chunks that there are, ascending.
        several: How many chunks a row may hold besides one, ascending.
        roots: Root state of each automaton of key terms that is ready, by handle. Streams wait for theirs.
    """

    def __init__(
        self,
        geometry: Geometry,
        slots: int,
        sizes: Sequence[int],
        several: Sequence[int] = (),
        roots: Mapping[int, int] = NO_ROOTS,
    ) -> None:
        self.answers: list[Answer] = []
        self.dropped: list[int] = []
        self._roots = roots
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
        self._frames = np.ones(slots + 1, np.int64)
        self._prompt = np.zeros(slots + 1, np.int64)
        self._next_prompt = np.zeros(slots + 1, np.int64)
        self._prompt_from = np.zeros(slots + 1, np.int64)
        """Samples of the stream behind which chunks begin that have it."""
        self._terms = np.zeros(slots + 1, np.int64)
        """Handle of each slot's automaton."""
        self._root = np.zeros(slots + 1, np.int64)
        self._fresh = np.zeros(slots + 1, np.bool_)
        """Whether the automaton stands at its root, as it is new to the stream."""
        self._held = np.zeros(slots + 1, np.bool_)
        """Whether the stream waits for its automaton."""
        self._reach = sizes[-1] * max((1, *several)) * geometry.frame_samples
        """Commands further off than this need no look yet."""
        self._barrier = np.full(slots + 1, _NEVER)
        """Sample count at which each slot's first pending command takes effect."""
        self._commands: dict[int, deque[tuple[int, Settings | Flush]]] = {}
        self._ending: set[int] = set()

    # --- what comes in -----------------------------------------------------------------------------------------------

    def open(self, slot: int, settings: Settings) -> None:
        """Starts a stream in a slot."""
        self.close(slot)
        self._audio.reset(slot)
        self._position[slot] = self._consumed[slot] = self._flushed[slot] = self._flush_frames[slot] = 0
        self._chunks[slot] = 1
        self._next_prompt[slot] = -1
        self._apply(slot, settings, 0)

    def pace(self, slot: int, most: int) -> None:
        """How much of a stream in its largest chunks the next row holds: all that is there, in at most `most` chunks.

        No row reaches beyond a command that waits, or a prompt: that takes effect where it would in any stream.
        """
        self._chunks[slot] = 1
        position, frames = int(self._position[slot]), int(self._frames[slot])
        there = min(self._audio.received[slot], self._barrier[slot])
        settled = self._prompt[slot] == self._next_prompt[slot]
        for chunks in self._several if frames == self._sizes[-1] and settled else ():
            if chunks <= most and self._geometry.chunk_end(position, chunks * frames) <= there:
                self._chunks[slot] = chunks

    def close(self, slot: int) -> None:
        """Forgets what the slot has queued."""
        handles = [self._terms[slot], *(c.terms for _, c in self._commands.pop(slot, ()) if isinstance(c, Settings))]
        self.dropped += [int(new) for new, old in zip(handles, [0, *handles], strict=False) if new not in (0, old)]
        self._take_up(slot, 0)
        self._barrier[slot] = _NEVER
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

    def change(self, slot: int, settings: Settings) -> None:
        """Takes effect from the first chunk on that reaches beyond the audio pushed so far.

        The prompt waits until a chunk begins behind it: a word that a flush has brought under one prompt must not come
        again under another, which may hear another word.
        """
        self._command(slot, settings)

    def flush(self, slot: int, flush: Flush) -> None:
        """Asks for everything pushed so far to be decoded."""
        self._command(slot, flush)
        if flush.last:
            self._ending.add(slot)

    def latest_settings(self, slot: int) -> Settings:
        """The settings that will be in force once all that is queued has been computed."""
        for _, command in reversed(self._commands.get(slot, ())):
            if isinstance(command, Settings):
                return command
        return Settings(int(self._frames[slot]), int(self._next_prompt[slot]), int(self._terms[slot]))

    def pending_samples(self, slot: int) -> int:
        """Audio received but not computed yet."""
        return int(self._audio.received[slot] - self._consumed[slot])

    def _command(self, slot: int, command: Settings | Flush) -> None:
        self._require_open(slot)
        at = int(self._audio.received[slot])
        self._commands.setdefault(slot, deque()).append((at, command))
        self._barrier[slot] = self._commands[slot][0][0]

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
        frames = self._frames[slots] * self._chunks[slots]
        end = self._geometry.chunk_end(self._position[slots], frames)
        barred = end + self._reach > self._barrier[slots]
        frames = np.where(end <= self._audio.received[slots], frames, 0)
        urgent = np.zeros(len(slots), np.bool_)
        frames[self._held[slots]] = 0
        barred &= ~self._held[slots]
        for index in np.flatnonzero(barred).tolist():
            frames[index], urgent[index] = self._resolve(int(slots[index]))
        return frames, urgent

    def _resolve(self, slot: int) -> tuple[int, bool]:
        """Works off the commands of a slot up to the next row: its frames, 0 when there is none; and if one waits."""
        commands = self._commands.get(slot)
        while commands:
            at, command = commands[0]
            if isinstance(command, Flush) and (frames := self._frames_of_flush(slot, at, command)):
                self._flush_frames[slot], self._chunks[slot] = frames, 1
                return frames, True
            answered = isinstance(command, Flush) and at == self._flushed[slot]
            if self._chunk_end(slot) <= at and not answered:
                return self._row(slot), isinstance(command, Flush)
            if isinstance(command, Settings):
                self._apply(slot, command, at)
            else:
                self._consumed[slot] = at
                self.answers.append(Answer(slot, command, at))
            self._pop_command(slot)
            if self._held[slot]:
                return 0, False
        frames = self._row(slot)
        ready = self._geometry.chunk_end(int(self._position[slot]), frames) <= self._audio.received[slot]
        return frames if ready else 0, False

    def _row(self, slot: int) -> int:
        """Encoder frames of the slot's next row, when it is no flush."""
        return int(self._frames[slot] * self._chunks[slot])

    def _frames_of_flush(self, slot: int, at: int, flush: Flush) -> int:
        """Encoder frames of the chunk in which a flush is decoded; 0 when whole chunks go first, or nothing is new.

        A short chunk that the flush completes need not go first, if one row has room for both: whoever waits gets the
        answer a step earlier.
        """
        position, frames = int(self._position[slot]), int(self._frames[slot])
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

    def _apply(self, slot: int, settings: Settings, at: int) -> None:
        self._frames[slot] = settings.frames
        if settings.prompt != self._next_prompt[slot]:
            self._next_prompt[slot], self._prompt_from[slot] = settings.prompt, at
            self._turn_prompts(np.array([slot]))
        if settings.terms != self._terms[slot]:
            self.dropped += [int(self._terms[slot])] if self._terms[slot] else []
            self._take_up(slot, settings.terms)

    def _turn_prompts(self, slots: Numbers) -> None:
        """The next prompt of those whose next chunk begins behind the audio that was there when it was asked for."""
        due = np.maximum(self._geometry.input_start(self._position[slots]), 0) >= self._prompt_from[slots]
        self._prompt[slots] = np.where(due, self._next_prompt[slots], self._prompt[slots])

    def _take_up(self, slot: int, terms: int) -> None:
        self._terms[slot], self._fresh[slot] = terms, True
        self._held[slot] = terms not in self._roots
        self._root[slot] = self._roots.get(terms, 0)

    def wake(self, terms: int) -> Numbers:
        """An automaton is ready. Returns the slots that have waited for it."""
        slots: Numbers = np.flatnonzero(self._held & (self._terms == terms))
        for slot in slots.tolist():
            self._take_up(slot, terms)
        return slots

    def _pop_command(self, slot: int) -> None:
        commands = self._commands[slot]
        commands.popleft()
        if commands:
            self._barrier[slot] = commands[0][0]
        else:
            del self._commands[slot]
            self._barrier[slot] = _NEVER

    def _chunk_end(self, slot: int) -> int:
        return int(self._geometry.chunk_end(self._position[slot], self._frames[slot]))

    # --- what is computed --------------------------------------------------------------------------------------------

    def take(self, slots: Numbers) -> Rows:
        """The ready rows of slots that share a chunk size; the streams move on behind them."""
        position, flushed = self._position[slots], self._flush_frames[slots]
        whole = flushed == 0
        chunks = int(self._chunks[slots[0]])
        frames = int(flushed[0] or self._frames[slots[0]] * chunks)
        chunk_end = self._geometry.chunk_end(position, self._frames[slots] * chunks)
        samples = np.where(whole, chunk_end, self._barrier[slots])
        marks, ended = self._flushes(slots, whole)
        end = samples + np.where(whole | ended, 0, SILENT_FRAMES * self._geometry.frame_samples)
        last = np.where(whole, frames, np.minimum(frames, self._geometry.encoder_frames(end) - position))
        heard = np.where(whole, position + frames, self._geometry.encoder_frames(samples)) - 1
        prompt, fresh = self._prompt[slots], self._fresh[slots]
        terms = np.where(fresh, -self._root[slots], self._root[slots])
        self._fresh[slots] = fresh & ~whole
        self._flush_frames[slots] = 0
        self._flushed[slots] = np.where(whole, self._flushed[slots], samples)
        self._consumed[slots] = np.maximum(self._consumed[slots], samples)
        self._position[slots] = np.where(whole, position + frames, position)
        self._turn_prompts(slots)
        return Rows(frames, slots, position, samples, end, last, heard, whole, marks, ended, prompt, terms, chunks)

    def _flushes(self, slots: Numbers, whole: npt.NDArray[np.bool_]) -> tuple[Numbers, npt.NDArray[np.bool_]]:
        """Takes the flushes that the rows answer off their queues."""
        marks, ended = np.full(len(slots), NO_MARK, np.int64), np.zeros(len(slots), np.bool_)
        for index in np.flatnonzero(~whole).tolist():
            slot = int(slots[index])
            command = self._commands[slot][0][1]
            assert isinstance(command, Flush), "settings are applied before a row is ready"
            marks[index], ended[index] = command.mark, command.last
            self._pop_command(slot)
        return marks, ended

    def gather(self, rows: Rows, out: Pcm) -> None:
        """Copies the rows' new audio to `out`, [B, c * frame_samples], and forgets what no later chunk needs.

        Behind the audio of a flushed row there is silence.
        """
        self._audio.gather(rows.slots, rows.position, rows.frames, out)
        for index in np.flatnonzero(~rows.whole).tolist():
            out[index, max(0, int(rows.samples[index] - self._geometry.input_start(rows.position[index]))) :] = 0
        self._audio.release(rows.slots, self._position[rows.slots])
