"""Where a stream's state starts anew, and from which frame on its audio is decoded again. Pure: columns by slot.

Two cures rest on this (docs/cures.md): a refresh after a long run without a token, and a watch that has heard speech
and no word. Both name a *target*, an encoder frame from which on no token has been found. When the stream's next row
has brought none either, the state starts anew and the audio from the target on is decoded again: nothing is found
twice, and nothing that was found changes. A token that comes first cancels the restart.

The row between the decision and the restart makes results independent of timing: on a GPU that row may be in flight
when the decision is taken. Until its result is there, the stream has no next row (`held`).

The model counts its frames from the last start of its state, `origin` on the stream's clock. A warm-up is silence
before frame 0 of a stream, or before the target of a restart: the origin then lies that many frames earlier, and the
state with which slots start has heard it (`engine.model.state_pool`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from auricle_server.cures import Cures
from auricle_server.engine.frames import UNBOUNDED
from auricle_server.engine.scheduling.batch_rows import BatchRows, Bools, Int64s, Slots

REWIND = 28
"""Encoder frames that a refresh decodes again, 2.24 s: a word that has begun without a token, and context before it.
It is two of the longest chunks of the published models."""
WATCH_MARGIN = 62
"""Encoder frames that a watch needs besides its run of speech, 4.96 s: the silence in which the words of a short
utterance must have come, a soft start that voice detection notices late, a chunk of 1.12 s (see
`stream.speech_watch`), and 2.24 s by which the engine may be ahead of the watch (`gateway.session.stream_session`)."""
_NONE = -1


@dataclass(frozen=True, slots=True)
class RestartFrames:
    """What the cures that restart a state need, in encoder frames; 0 is off.

    Attributes:
        warm_up: Silence before the first frame.
        refresh: Length of a run without a token after which the state starts anew.
        watch: Length of a run of speech without a word.
    """

    warm_up: int = 0
    refresh: int = 0
    watch: int = 0

    @classmethod
    def of(cls, cures: Cures, frame_seconds: float) -> RestartFrames:
        """The engine's cures, in encoder frames of that length."""
        seconds = cures.warm_up_seconds, cures.refresh_seconds, cures.watch_seconds
        return cls(*(round(each / frame_seconds) for each in seconds))

    def kept(self, longest: int) -> int:
        """Frames of audio before a stream's position that must be kept.

        Args:
            longest: Frames of the longest row, which may lie between a decision and its restart.
        """
        decided = max(REWIND if self.refresh else 0, self.watch + WATCH_MARGIN if self.watch else 0)
        return decided + longest if decided else 0


NO_RESTARTS = RestartFrames()


class Restarts:
    """The restarts of the streams in all slots.

    Attributes:
        origin: Frame of the stream at which the model's frame 0 lies, [slots + 1].
        active: Whether a state can start anew at all.
        held: Whether the slot's next row waits for the result of the one in flight, [slots + 1].
        count: Restarts so far, of all streams.

    Args:
        slots: Highest slot.
        frames: Which cures are on.
        sizes: Chunk sizes in encoder frames, ascending.
    """

    def __init__(self, slots: int, frames: RestartFrames, sizes: Sequence[int]) -> None:
        self._frames, self._sizes = frames, sizes
        self.active = frames.kept(1) > 0
        self.origin = np.zeros(slots + 1, np.int64)
        self.held = np.zeros(slots + 1, np.bool_)
        self.count = 0
        self._again_until = np.zeros(slots + 1, np.int64)
        """Frame up to which audio is decoded again."""
        self._quiet_since = np.zeros(slots + 1, np.int64)
        """Frame after the last token."""
        self._fresh_since = np.zeros(slots + 1, np.int64)
        """Frame that was the next one when the state last started anew."""
        self._target = np.full(slots + 1, _NONE)

    def open(self, slot: int) -> None:
        """Starts a stream."""
        self.origin[slot] = -self._frames.warm_up
        self._again_until[slot] = self._quiet_since[slot] = self._fresh_since[slot] = 0
        self._target[slot], self.held[slot] = _NONE, False

    def decodes_again(self, slots: Slots, position: Int64s) -> Bools:
        """Whether the next rows, at `position`, lie in audio that is decoded again, [n]."""
        again: Bools = position < self._again_until[slots]
        return again

    def most_chunks(self, slot: int, position: int, frames: int) -> int:
        """Most chunks of `frames` that a row at `position` may hold, so that no row reaches past a decision.

        Restarts then come at the same frames whether a row holds one chunk or several, which depends on other streams.
        """
        if self._target[slot] != _NONE or position < self._again_until[slot]:
            return 1
        if not self._frames.refresh:
            return UNBOUNDED
        due = max(int(self._quiet_since[slot]), int(self._fresh_since[slot])) + self._frames.refresh
        return max(1, -(-(due - position) // frames))

    def row_frames(self, slot: int, position: int, frames: int) -> int:
        """Frames of a row: in audio that is decoded again the most that fit, so that few rows are needed.

        Args:
            slot: Slot of the stream.
            position: First frame of the row.
            frames: Of the row where nothing is decoded again, or where no size fits.
        """
        left = int(self._again_until[slot]) - position
        return max((size for size in self._sizes if size <= left), default=frames)

    def hold(self, slots: Slots) -> None:
        """Holds the next rows of slots that were just launched with a target: the result may restart them."""
        self.held[slots] = self._target[slots] != _NONE

    def request(self, slot: int, frame: int) -> bool:
        """Asks for a restart from `frame` on; False when a token was found since."""
        if self._quiet_since[slot] > frame:
            return False
        asked = self._target[slot]
        self._target[slot] = frame if asked == _NONE else min(frame, asked)
        return True

    def observe(self, rows: BatchRows, last_tokens: Int64s, current: Bools) -> tuple[Int64s, Int64s]:
        """Takes the result of a batch. Returns the slots whose state is to start anew, and those no longer held.

        Args:
            rows: The batch.
            last_tokens: Frame of each row's last token, -1 for a row without one, [B].
            current: Whether the row's stream still goes on, [B].
        """
        slots, end, whole = rows.slots[current], (rows.position + rows.frames)[current], rows.whole[current]
        quiet = np.maximum(self._quiet_since[slots], last_tokens[current] + 1)
        released = slots[self.held[slots]]
        self._quiet_since[slots], self.held[slots] = quiet, False
        target = self._target[slots]
        asked = target != _NONE
        due: Bools = asked & (quiet <= target)
        self._target[slots[asked & ~due]] = _NONE
        if self._frames.refresh:
            run = end - np.maximum(quiet, self._fresh_since[slots])
            decided = ~asked & whole & (run >= self._frames.refresh)
            self._target[slots[decided]] = np.maximum(quiet, end - REWIND)[decided]
        return slots[due], released

    def restart(self, slot: int, position: int, earliest: int) -> int:
        """Starts the state of a slot anew at its target.

        Args:
            slot: Slot of the stream.
            position: The stream's next frame.
            earliest: First frame whose audio is still kept.

        Returns:
            The stream's next frame from now on.
        """
        target = min(max(int(self._target[slot]), earliest, 0), position)
        self._target[slot], self.held[slot] = _NONE, False
        self.origin[slot] = target - self._frames.warm_up
        self._again_until[slot] = self._fresh_since[slot] = position
        self.count += 1
        return target
