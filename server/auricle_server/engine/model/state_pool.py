"""The state of every stream on the device between two chunks, one row per slot.

Row 0 is the trash slot, to which rows write what must not be kept. Memory per slot is fixed, however long the stream:
about 7 MB for the published models in bf16, of which 6.9 MB are keys and values (24 layers, 70 frames).
"""

from __future__ import annotations

import math
import mmap
from dataclasses import dataclass

import torch
from torch import Tensor

from auricle_server.checkpoints.config import ModelConfig
from auricle_server.engine.frames import FrameGeometry
from auricle_server.engine.model.prediction_network import PredictionState
from auricle_server.engine.model.subsampling import stage_widths
from auricle_server.engine.ops import fp8

CPU_SLOTS = 64
MOST_SLOTS = 32_768
STATE_SHARE = 0.8
"""Share of the free memory; the rest is for the intermediate results of a step."""


def zeros(*shape: int, dtype: torch.dtype = torch.float32, device: torch.device) -> Tensor:
    """Zeros on a device. On a CPU, what was never written takes no memory."""
    if device.type != "cpu" or not math.prod(shape):
        return torch.zeros(shape, dtype=dtype, device=device)
    # The system maps a page on its first write. `torch.zeros` writes the zeros, and what NumPy allocates gets pages of
    # 2 MB: a stream, whose state lies in as many places as there are layers, would take the memory of several.
    mapped = mmap.mmap(-1, math.prod(shape) * dtype.itemsize, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    if hasattr(mmap, "MADV_NOHUGEPAGE"):
        mapped.madvise(mmap.MADV_NOHUGEPAGE)  # where the system gives such pages to everyone
    return torch.frombuffer(mapped, dtype=dtype).view(shape)


@dataclass(frozen=True, slots=True)
class LayerState:
    """One layer's pools: rings [rows, heads, left, head_dim] and history [rows, kernel - 1, d_model].

    Rings in FP8 have scales as well, [rows, heads, left] each.
    """

    keys: Tensor
    values: Tensor
    history: Tensor
    key_scales: Tensor | None = None
    value_scales: Tensor | None = None


class StatePool:
    """State of `slots` streams.

    Attributes:
        layers: Pools of each conformer layer, which its operations read and write in place.

    Args:
        config: Architecture.
        slots: Streams, the trash slot not counted.
        left: Frames of the attention ring.
        start: State of the prediction network before its first token, one row.
        device: Where the state is.
        dtype: Of rings and convolution history.
        fp8_rings: Whether rings are FP8 with a scale for each frame of a head (`ops.fp8`): half the bytes of bf16.
    """

    def __init__(
        self,
        config: ModelConfig,
        slots: int,
        left: int,
        start: PredictionState,
        device: torch.device,
        dtype: torch.dtype,
        fp8_rings: bool = False,
    ) -> None:
        encoder, rows = config.encoder, slots + 1
        # The frames of one head are contiguous: a program of the attention kernel reads one stretch of memory.
        ring = encoder.layers, rows, encoder.heads, left, encoder.d_model // encoder.heads
        # After the projection. NeMo caches the layers' inputs and projects all left + c frames, and the positions,
        # again in every step: by calculation nearly eight times the work at 80 ms.
        # A slot takes memory from its first stream on: all 64 of a CPU take 0.9 GB for a published model.
        of_rings = fp8.FORMAT if fp8_rings else dtype
        self._keys = zeros(*ring, dtype=of_rings, device=device)
        self._values = zeros(*ring, dtype=of_rings, device=device)
        self._scales = [zeros(*ring[:4], dtype=fp8.SCALES, device=device) for _ in range(2)] if fp8_rings else []
        history = encoder.layers, rows, encoder.conv_kernel - 1, encoder.d_model
        self._history = zeros(*history, dtype=dtype, device=device)
        pools = zip(self._keys, self._values, self._history, *self._scales, strict=True)
        self.layers = [LayerState(*pool) for pool in pools]
        channels = 1, encoder.conv_channels, encoder.conv_channels
        # fp32 whatever `dtype` is, like the subsampling itself.
        self._subsampling = [
            zeros(rows, count, 1, width, device=device)
            for count, width in zip(channels, stage_widths(config.mel.bins), strict=True)
        ]
        self._audio = zeros(rows, FrameGeometry(config).tail_samples, device=device)
        self._start = start
        self._prediction = start.repeat(rows)
        self._terms = torch.zeros(rows, dtype=torch.int32, device=device)
        self._warm: list[Tensor] = []
        """Encoder state with which streams start, one row of each of `_encoder_pools`; empty for zeros."""

    @property
    def _encoder_pools(self) -> list[tuple[int, Tensor]]:
        """The pools of the encoder's state, each with the dimension of its slots."""
        by_layer = [(1, pool) for pool in (self._keys, self._values, *self._scales, self._history)]
        # Copies know no FP8.
        by_layer = [(dim, pool.view(torch.uint8) if pool.dtype == fp8.FORMAT else pool) for dim, pool in by_layer]
        return [*by_layer, *((0, pool) for pool in (*self._subsampling, self._audio))]

    def start_from(self, slot: int) -> None:
        """Makes the encoder state of a slot the one with which streams start; no stream is open yet.

        The prediction network's state is left out: it depends on words, and no word was said.
        """
        self._warm = [pool.narrow(dim, slot, 1).clone() for dim, pool in self._encoder_pools]

    def reset(self, slots: list[int]) -> None:
        """Prepares slots for new streams, or for a new start of their stream's state."""
        rows = torch.tensor(slots, device=self._audio.device)
        if self._warm:
            for (dim, pool), warm in zip(self._encoder_pools, self._warm, strict=True):
                pool.index_copy_(dim, rows, warm.expand([len(slots) if at == dim else -1 for at in range(pool.dim())]))
        else:
            self._clear(rows)
        # Key terms need no reset: a stream's first row names the root of its automaton, or 0.
        self._prediction.put(rows, self._start.repeat(len(slots)))

    def _clear(self, rows: Tensor) -> None:
        """Zeros for slots. Rings need none: nothing before frame 0 is ever visible."""
        self._history.index_fill_(1, rows, 0)
        for pool in self._subsampling:
            pool.index_fill_(0, rows, 0)
        self._audio.index_fill_(0, rows, 0)

    def audio(self, slots: Tensor) -> Tensor:
        """Audio kept from the previous chunk, [B, tail]."""
        return self._audio.index_select(0, slots)

    def keep_audio(self, slots: Tensor, audio: Tensor) -> None:
        """Keeps the last samples of `audio`, [B, samples]."""
        self._audio.index_copy_(0, slots, audio[:, -self._audio.shape[1] :])

    def subsampling(self, slots: Tensor) -> list[Tensor]:
        """Rows that the stride-2 convolutions carry over from the previous chunk."""
        return [pool.index_select(0, slots) for pool in self._subsampling]

    def keep_subsampling(self, slots: Tensor, carried: list[Tensor]) -> None:
        """Keeps the rows for the next chunk."""
        for pool, carry in zip(self._subsampling, carried, strict=True):
            pool.index_copy_(0, slots, carry)

    def prediction(self, slots: Tensor) -> PredictionState:
        """State of the prediction network."""
        return self._prediction.take(slots)

    def keep_prediction(self, slots: Tensor, state: PredictionState) -> None:
        """Keeps the prediction network's state."""
        self._prediction.put(slots, state)

    def key_term_state(self, slots: Tensor, requested: Tensor) -> Tensor:
        """State of each row's automaton of key terms, [B], int32; 0 for a row without key terms.

        Args:
            slots: Of the rows, [B].
            requested: As in `Batch.terms`, [B].
        """
        kept = self._terms.index_select(0, slots)
        return torch.where(requested > 0, kept, -requested.int())

    def keep_key_term_state(self, slots: Tensor, state: Tensor) -> None:
        """Keeps the automata's states."""
        self._terms.index_copy_(0, slots, state)

    @property
    def bytes_per_slot(self) -> int:
        """Device memory of one slot."""
        tensors = [self._keys, self._values, *self._scales, self._history, *self._subsampling, self._audio]
        total = sum(tensor.numel() * tensor.element_size() for tensor in tensors) + self._prediction.bytes
        return total // self._audio.shape[0]


def fitting_slots(bytes_per_slot: int, device: torch.device) -> int:
    """How many slots a device has memory for, where the configuration does not say.

    More than a device can serve in real time do no harm: the time that steps take decides how many streams are
    admitted.

    Args:
        bytes_per_slot: Device memory of one slot.
        device: The device, which holds the model's parameters already.
    """
    if device.type != "cuda":
        return CPU_SLOTS
    free, _ = torch.cuda.mem_get_info(device)
    return max(1, min(MOST_SLOTS, int(free * STATE_SHARE) // bytes_per_slot))
