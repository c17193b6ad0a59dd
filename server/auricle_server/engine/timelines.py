"""The input side of every stream: audio in, the next row to compute out. No clock, no tensors, no Python per row.

Audio, flushes and changes of settings are kept in the order in which they came, on the stream's own sample count, so
what is computed does not depend on when it is computed. All numbers lie in arrays indexed by slot; only flushes and
changes of settings, which are rare, are objects.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from auricle_server.engine.audio import AudioRings, Slots
from auricle_server.engine.geometry import Geometry
from auricle_server.engine.types import NO_MARK, AudioBatch, LeaseEnded, Pcm

UNBOUNDED = 1 << 30
"""Length of a stream whose end is not known yet."""
_NEVER = np.iinfo(np.int64).max

Numbers = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Settings:
    """What a stream may change at a chunk boundary.

    Attributes:
        frames: Encoder frames of a chunk (right context + 1).
        prompt: Index of the language prompt; 0 where the model has none.
    """

    frames: int
    prompt: int


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

    A whole chunk's state is kept. A flushed row ends inside its chunk, at `samples`; its encoder state is thrown away,
    because the frames will be computed again when the rest of the chunk is there.

    Attributes:
        frames: Encoder frames of a chunk, c.
        slots: Whose.
        position: First encoder frame.
        samples: Audio position on which the row rests.
        first: First frame of the chunk whose tokens have not been reported yet.
        last: One past the last frame to decode.
        whole: Whether the chunk is complete; else this is a flush.
        marks: The flush that is answered, or `NO_MARK`.
        ended: Whether that flush is the stream's last.
        prompt: Language prompt.
    """

    frames: int
    slots: Numbers
    position: Numbers
    samples: Numbers
    first: Numbers
    last: Numbers
    whole: npt.NDArray[np.bool_]
    marks: Numbers
    ended: npt.NDArray[np.bool_]
    prompt: Numbers

    def __len__(self) -> int:
        return len(self.slots)


class Timelines:
    """Input of the streams in all slots.

    Attributes:
        answers: Flushes answered without computing since somebody last took them away.

    Args:
        geometry: Of the model.
        slots: Highest slot.
        longest: Encoder frames of the longest chunk.
    """

    def __init__(self, geometry: Geometry, slots: int, longest: int) -> None:
        self.answers: list[Answer] = []
        self._geometry = geometry
        self._audio = AudioRings(geometry, slots, longest)
        self._position = np.zeros(slots + 1, np.int64)
        self._consumed = np.zeros(slots + 1, np.int64)
        self._decoded = np.zeros(slots + 1, np.int64)
        self._frames = np.ones(slots + 1, np.int64)
        self._prompt = np.zeros(slots + 1, np.int64)
        self._barrier = np.full(slots + 1, _NEVER)
        """Sample count at which each slot's first pending command takes effect."""
        self._commands: dict[int, deque[tuple[int, Settings | Flush]]] = {}
        self._ending: set[int] = set()

    # --- what comes in -----------------------------------------------------------------------------------------------

    def open(self, slot: int, settings: Settings) -> None:
        """Starts a stream in a slot."""
        self.close(slot)
        self._audio.reset(slot)
        self._position[slot] = self._consumed[slot] = self._decoded[slot] = 0
        self._apply(slot, settings)

    def close(self, slot: int) -> None:
        """Forgets what the slot has queued."""
        self._commands.pop(slot, None)
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
        """Takes effect from the first chunk on that reaches beyond the audio pushed so far."""
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
        return Settings(int(self._frames[slot]), int(self._prompt[slot]))

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
        frames = self._frames[slots]
        end = self._geometry.chunk_end(self._position[slots], frames)
        barred = end > self._barrier[slots]
        frames = np.where(end <= self._audio.received[slots], frames, 0)
        if barred.any():
            for index in np.flatnonzero(barred).tolist():
                frames[index], barred[index] = self._resolve(int(slots[index]))
        return frames, barred

    def _resolve(self, slot: int) -> tuple[int, bool]:
        """Works off the commands of a slot up to the next row: its frames, 0 when there is none; and if it flushes."""
        commands = self._commands[slot]
        while commands:
            at, command = commands[0]
            frames = int(self._frames[slot])
            if self._chunk_end(slot) <= at:
                return frames, False
            if isinstance(command, Settings):
                self._apply(slot, command)
            elif self._frames_to_decode(slot, at):
                return frames, True
            else:
                self._consumed[slot] = at
                self.answers.append(Answer(slot, command, at))
            self._pop_command(slot)
        ready = self._chunk_end(slot) <= self._audio.received[slot]
        return int(self._frames[slot]) if ready else 0, False

    def _apply(self, slot: int, settings: Settings) -> None:
        self._frames[slot], self._prompt[slot] = settings.frames, settings.prompt

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

    def _frames_to_decode(self, slot: int, samples: int) -> bool:
        """Whether a flush at `samples` finds a frame that has not been decoded yet."""
        last = min(int(self._position[slot] + self._frames[slot]), int(self._geometry.encoder_frames(samples)))
        return last > max(int(self._decoded[slot]), int(self._position[slot]))

    # --- what is computed --------------------------------------------------------------------------------------------

    def take(self, slots: Numbers) -> Rows:
        """The ready rows of slots that share a chunk size; the streams move on behind them."""
        position, frames = self._position[slots], int(self._frames[slots[0]])
        end = self._geometry.chunk_end(position, self._frames[slots])
        whole = end <= self._barrier[slots]
        samples = np.where(whole, end, self._barrier[slots])
        held = np.minimum(frames, self._geometry.encoder_frames(samples) - position)
        last = np.where(whole, frames, held)
        first = np.minimum(np.maximum(self._decoded[slots] - position, 0), last)
        marks, ended = self._flushes(slots, whole)
        prompt = self._prompt[slots]
        self._consumed[slots] = samples
        self._decoded[slots] = np.maximum(self._decoded[slots], position + last)
        self._position[slots] = np.where(whole, position + frames, position)
        return Rows(frames, slots, position, samples, first, last, whole, marks, ended, prompt)

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

        Behind the end of a flushed row `out` holds whatever was there; the features are masked there.
        """
        self._audio.gather(rows.slots, rows.position, rows.frames, out)
        self._audio.release(rows.slots, self._position[rows.slots])
