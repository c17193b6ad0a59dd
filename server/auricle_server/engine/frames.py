"""Which samples an encoder frame needs, and how many frames some audio has. Takes single numbers and arrays.

With 10 ms hops, a 25 ms centred window and causal subsampling by eight, encoder frame k rests on mel frames up to 8k,
that is on samples up to 160 * 8k + 200. NeMo's `FilterbankFeatures.get_seq_len` gives N samples floor(N / 160) mel
frames; each of the three stride-2 causal convolutions turns n rows into n // 2 + 1.
"""

from __future__ import annotations

from typing import TypeVar

import numpy as np
import numpy.typing as npt

from auricle_server.checkpoints.config import SUBSAMPLING_FACTOR, ModelConfig

STAGES = 3
"""Stride-2 convolutions of the subsampling."""
UNBOUNDED = 1 << 30
"""Length, in samples or mel frames, of a stream whose end is not known yet: longer than any stream, and far from the
limit of an int32."""

Count = TypeVar("Count", int, npt.NDArray[np.int64])


class FrameGeometry:
    """Sample and frame arithmetic of one model."""

    def __init__(self, config: ModelConfig) -> None:
        self.hop = config.mel.hop
        self.window = config.mel.window
        self.frame_samples = config.frame_samples
        self.frame_seconds = config.frame_seconds
        self.tail_samples = self.window - self.hop + 1
        """Audio that a slot keeps between chunks: what the next mel frame overlaps, and one sample for pre-emphasis."""

    @property
    def lookahead_seconds(self) -> float:
        """Audio beyond the start of its last frame that a chunk rests on."""
        return self.window // 2 * self.frame_seconds / self.frame_samples

    def chunk_end(self, position: Count, frames: Count) -> Count:
        """Samples of the stream that a chunk of `frames` encoder frames at frame `position` rests on."""
        return (position + frames - 1) * self.frame_samples + self.window // 2

    def input_start(self, position: Count) -> Count:
        """First sample that a chunk at frame `position` adds to what its slot already holds (may be negative)."""
        return (position - 1) * self.frame_samples + self.window // 2

    def mel_start(self, position: Count) -> Count:
        """First mel frame of the chunk at frame `position` (may be negative)."""
        return SUBSAMPLING_FACTOR * (position - 1) + 1

    def mel_frames(self, samples: Count) -> Count:
        """Mel frames of a whole stream of that many samples."""
        return samples // self.hop

    def encoder_frames(self, samples: Count) -> Count:
        """Encoder frames of a whole stream of that many samples, the ragged tail included."""
        # Without a mel frame the formula below would still give one row. A ragged tail counts, whereas NeMo's
        # streaming buffer drops one of fewer than eight mel frames.
        has_mel = samples >= self.hop
        rows = self.mel_frames(samples)
        for _ in range(STAGES):
            rows = rows // 2 + 1
        return rows * has_mel
