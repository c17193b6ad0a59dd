"""Everything that a stream leaves on the device between two chunks, one row per slot.

Row 0 belongs to nobody: what must not be kept is written there. Memory per slot is fixed, however long the stream.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from auricle_server.checkpoints.config import ModelConfig
from auricle_server.engine.attention import RingView
from auricle_server.engine.decoder import PredictionState
from auricle_server.engine.geometry import Geometry
from auricle_server.engine.subsampling import stage_widths


@dataclass(frozen=True, slots=True)
class LayerState:
    """One layer's state for a batch: rings [B, left, heads, head_dim] and history [B, kernel - 1, d_model]."""

    keys: Tensor
    values: Tensor
    history: Tensor


class StatePool:
    """State of `slots` streams.

    Args:
        config: Architecture.
        slots: Streams, the trash slot not counted.
        left: Frames of the attention ring.
        start: What the prediction network holds before its first token, one row.
        device: Where.
        dtype: Of rings and convolution history.
    """

    def __init__(
        self,
        config: ModelConfig,
        slots: int,
        left: int,
        start: PredictionState,
        device: torch.device,
        dtype: torch.dtype,
    ) -> None:
        encoder, rows = config.encoder, slots + 1
        ring = encoder.layers, rows, left, encoder.heads, encoder.d_model // encoder.heads
        self._keys = torch.zeros(ring, device=device, dtype=dtype)
        self._values = torch.zeros(ring, device=device, dtype=dtype)
        history = encoder.layers, rows, encoder.conv_kernel - 1, encoder.d_model
        self._history = torch.zeros(history, device=device, dtype=dtype)
        channels = 1, encoder.conv_channels, encoder.conv_channels
        self._subsampling = [
            torch.zeros(rows, count, 1, width, device=device)
            for count, width in zip(channels, stage_widths(config.mel.bins), strict=True)
        ]
        self._audio = torch.zeros(rows, Geometry(config).tail_samples, device=device)
        self._start = start
        self._prediction = start.repeat(rows)

    def reset(self, slot: int) -> None:
        """Prepares a slot for a new stream. Rings need no reset: nothing before frame 0 is ever visible."""
        self._history[:, slot] = 0
        for rows in self._subsampling:
            rows[slot] = 0
        self._audio[slot] = 0
        self._prediction.put(torch.tensor([slot], device=self._audio.device), self._start)

    def audio(self, slots: Tensor) -> Tensor:
        """Audio kept from the chunk before, [B, tail]."""
        return self._audio[slots]

    def keep_audio(self, slots: Tensor, audio: Tensor) -> None:
        """Keeps the last samples of `audio`, [B, samples]."""
        self._audio[slots] = audio[:, -self._audio.shape[1] :]

    def subsampling(self, slots: Tensor) -> list[Tensor]:
        """Rows that the stride-2 convolutions carry on."""
        return [rows[slots] for rows in self._subsampling]

    def keep_subsampling(self, slots: Tensor, carried: list[Tensor]) -> None:
        """Keeps the rows for the next chunk."""
        for rows, carry in zip(self._subsampling, carried, strict=True):
            rows[slots] = carry

    def layer(self, index: int, slots: Tensor) -> LayerState:
        """State of one conformer layer."""
        return LayerState(self._keys[index, slots], self._values[index, slots], self._history[index, slots])

    def keep_layer(self, index: int, slots: Tensor, chunk: LayerState, view: RingView) -> None:
        """Writes the chunk's own keys and values [B, c, heads, head_dim] into the ring, and the next history."""
        rows = slots[:, None]
        self._keys[index][rows, view.written] = chunk.keys
        self._values[index][rows, view.written] = chunk.values
        self._history[index, slots] = chunk.history

    def prediction(self, slots: Tensor) -> PredictionState:
        """State of the prediction network."""
        return self._prediction.take(slots)

    def keep_prediction(self, slots: Tensor, state: PredictionState) -> None:
        """Keeps the prediction network's state."""
        self._prediction.put(slots, state)

    @property
    def bytes_per_slot(self) -> int:
        """Device memory of one slot."""
        tensors = [self._keys, self._values, self._history, *self._subsampling, self._audio]
        total = sum(tensor.numel() * tensor.element_size() for tensor in tensors) + self._prediction.bytes
        return total // self._audio.shape[0]
