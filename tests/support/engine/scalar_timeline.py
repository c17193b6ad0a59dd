"""One stream's input, the plain way: what `Timelines` must equal for every slot.

Audio, flushes and changes of settings are kept in the order in which they came, on the stream's own sample count, so
what is computed does not depend on when it is computed.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from auricle_server.engine.frames import FrameGeometry
from auricle_server.engine.scheduling.commands import FlushCommand, StreamSettings
from auricle_server.engine.scheduling.flush_rows import MOST_TWICE, SILENT_FRAMES
from auricle_server.engine.types import LeaseEnded

Pcm = npt.NDArray[np.int16]


@dataclass(frozen=True, slots=True)
class Row:
    """One chunk to compute.

    Attributes:
        settings: In force for this chunk.
        position: First encoder frame.
        frames: Encoder frames of the chunk.
        samples: Audio position on which the row rests.
        flush: None for a whole chunk, whose state is kept. A flushed row ends inside its chunk; its state is thrown
            away, because the frames will be computed again when the rest of the chunk is there.
    """

    settings: StreamSettings
    position: int
    frames: int
    samples: int
    flush: FlushCommand | None = None


class Timeline:
    """Input side of one stream."""

    def __init__(self, geometry: FrameGeometry, settings: StreamSettings, sizes: Sequence[int]) -> None:
        self._geometry = geometry
        self._sizes = sizes
        self.settings = settings
        self.position = 0
        self._flushed = 0
        self._pushed = 0
        self._consumed = 0
        self._pieces: deque[Pcm] = deque()
        self._pieces_start = 0
        self._commands: deque[tuple[int, StreamSettings | FlushCommand]] = deque()
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

    def change(self, settings: StreamSettings) -> None:
        """Takes effect from the first chunk on that reaches beyond the audio pushed so far."""
        self._require_open()
        self._commands.append((self._pushed, settings))

    def flush(self, flush: FlushCommand) -> None:
        """Asks for everything pushed so far to be decoded."""
        self._require_open()
        self._commands.append((self._pushed, flush))
        self._ending = flush.last

    def latest_settings(self) -> StreamSettings:
        """The settings that will be in force once all that is queued has been computed."""
        changes = [command for _, command in self._commands if isinstance(command, StreamSettings)]
        return changes[-1] if changes else self.settings

    def next_row(self) -> Row | None:
        """The row that is ready, or None until more input comes; a flush for which there is nothing has no frames."""
        while self._commands:
            at, command = self._commands[0]
            whole = self._chunk_end() <= at
            if isinstance(command, FlushCommand):
                frames = self._frames_of_flush(at, command.last, whole)
                if frames or not whole or at == self._flushed:
                    return Row(self.settings, self.position, frames, at, command)
            if whole:
                break
            assert isinstance(command, StreamSettings)
            self.settings = command
            self._commands.popleft()
        end = self._chunk_end()
        return Row(self.settings, self.position, self.settings.frames, end) if end <= self._pushed else None

    def _frames_of_flush(self, at: int, last: bool, whole: bool) -> int:
        """The smallest chunk that holds what was not computed yet and the silence behind it."""
        held, own = self._geometry.encoder_frames(at) - self.position, self.settings.frames
        if held <= 0 or (last and whole) or at == self._flushed:
            return 0
        if last:
            return own
        for size in self._sizes:
            if size >= own and size >= held + SILENT_FRAMES and not (whole and held > min(2 * own, MOST_TWICE)):
                return size
        return 0 if whole else max(self._sizes)

    def frames_to_decode(self, row: Row) -> int:
        """How many of the row's frames are decoded."""
        if row.flush is None or not row.frames:
            return row.frames
        imagined = 0 if row.flush.last else SILENT_FRAMES
        return min(row.frames, self._geometry.encoder_frames(row.samples) + imagined - row.position)

    def audio_of(self, row: Row) -> Pcm:
        """New audio of the row: `frames * frame_samples` samples, zeros before the start and after its end."""
        start = self._geometry.input_start(row.position)
        out = np.zeros(row.frames * self._geometry.frame_samples, np.int16)
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
        self._consumed = max(self._consumed, row.samples)
        if row.flush is not None:
            self._flushed = row.samples if row.frames else self._flushed
            self._commands.popleft()
            return
        self.position += row.frames
        self._drop_before(self._geometry.input_start(self.position))

    def _chunk_end(self) -> int:
        return self._geometry.chunk_end(self.position, self.settings.frames)

    def _drop_before(self, sample: int) -> None:
        while self._pieces and self._pieces_start + len(self._pieces[0]) <= sample:
            self._pieces_start += len(self._pieces.popleft())

    def _require_open(self) -> None:
        if self._ending:
            raise LeaseEnded("the stream's last flush is already queued")
