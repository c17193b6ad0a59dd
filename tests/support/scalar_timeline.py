"""One stream's input, the plain way: what `Timelines` must equal for every slot.

Audio, flushes and changes of settings are kept in the order in which they came, on the stream's own sample count, so
what is computed does not depend on when it is computed.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from auricle_server.engine.geometry import Geometry
from auricle_server.engine.timelines import Flush, Settings
from auricle_server.engine.types import LeaseEnded

Pcm = npt.NDArray[np.int16]


@dataclass(frozen=True, slots=True)
class Row:
    """One chunk to compute.

    Attributes:
        settings: In force for this chunk.
        position: First encoder frame.
        decode_from: First encoder frame whose tokens have not been reported yet.
        samples: Audio position on which the row rests.
        flush: None for a whole chunk, whose state is kept. A flushed row ends inside its chunk, at `samples`; its
            encoder state is thrown away, because the frames will be computed again when the rest of the chunk is there.
    """

    settings: Settings
    position: int
    decode_from: int
    samples: int
    flush: Flush | None = None


class Timeline:
    """Input side of one stream."""

    def __init__(self, geometry: Geometry, settings: Settings) -> None:
        self._geometry = geometry
        self.settings = settings
        self.position = 0
        self._decoded = 0
        self._pushed = 0
        self._consumed = 0
        self._pieces: deque[Pcm] = deque()
        self._pieces_start = 0
        self._commands: deque[tuple[int, Settings | Flush]] = deque()
        self._ending = False

    @property
    def pending_samples(self) -> int:
        """Audio received but not computed yet."""
        return self._pushed - self._consumed

    def push(self, pcm: Pcm) -> None:
        """Appends audio, 16 kHz mono."""
        self._require_open()
        if len(pcm):
            self._pieces.append(pcm)
            self._pushed += len(pcm)

    def change(self, settings: Settings) -> None:
        """Takes effect from the first chunk on that reaches beyond the audio pushed so far."""
        self._require_open()
        self._commands.append((self._pushed, settings))

    def flush(self, flush: Flush) -> None:
        """Asks for everything pushed so far to be decoded."""
        self._require_open()
        self._commands.append((self._pushed, flush))
        self._ending = flush.last

    def latest_settings(self) -> Settings:
        """The settings that will be in force once all that is queued has been computed."""
        changes = [command for _, command in self._commands if isinstance(command, Settings)]
        return changes[-1] if changes else self.settings

    def next_row(self) -> Row | None:
        """The row that is ready, or None until more input comes."""
        while self._commands:
            at, command = self._commands[0]
            if self._chunk_end() <= at:
                break
            if isinstance(command, Flush):
                return Row(self.settings, self.position, self._decoded, at, command)
            self.settings = command
            self._commands.popleft()
        end = self._chunk_end()
        return Row(self.settings, self.position, self._decoded, end) if end <= self._pushed else None

    def frames_to_decode(self, row: Row) -> tuple[int, int]:
        """Range of the row's frames, counted from its first, whose tokens are new; may be empty."""
        count = row.settings.frames
        if row.flush is not None:
            count = min(count, self._geometry.encoder_frames(row.samples) - row.position)
        return max(0, row.decode_from - row.position), max(0, count)

    def audio_of(self, row: Row) -> Pcm:
        """New audio of the row: `frames * frame_samples` samples, zeros before the start and after its end."""
        start = self._geometry.input_start(row.position)
        out = np.zeros(row.settings.frames * self._geometry.frame_samples, np.int16)
        at = self._pieces_start
        for piece in self._pieces:
            low, high = max(at, start), min(at + len(piece), row.samples)
            if low < high:
                out[low - start : high - start] = piece[low - at : high - at]
            at += len(piece)
            if at >= row.samples:
                break
        return out

    def done(self, row: Row) -> None:
        """The row was computed: move on."""
        self._consumed = row.samples
        self._decoded = max(self._decoded, row.position + self.frames_to_decode(row)[1])
        if row.flush is not None:
            self._commands.popleft()
            return
        self.position += row.settings.frames
        self._drop_before(self._geometry.input_start(self.position))

    def _chunk_end(self) -> int:
        return self._geometry.chunk_end(self.position, self.settings.frames)

    def _drop_before(self, sample: int) -> None:
        while self._pieces and self._pieces_start + len(self._pieces[0]) <= sample:
            self._pieces_start += len(self._pieces.popleft())

    def _require_open(self) -> None:
        if self._ending:
            raise LeaseEnded("the stream's last flush is already queued")
