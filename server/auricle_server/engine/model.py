"""A step: mel, subsampling, conformer layers and greedy search for one batch of chunks, over slot-resident state."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from auricle_server.checkpoints.load import Checkpoint
from auricle_server.engine.attention import ring_view
from auricle_server.engine.conformer import ConformerLayer
from auricle_server.engine.decoder import Emissions, GreedyDecoder
from auricle_server.engine.geometry import Geometry
from auricle_server.engine.mel import PCM_SCALE, LogMel
from auricle_server.engine.parameters import Parameters
from auricle_server.engine.prompt import joint_projection
from auricle_server.engine.state import LayerState, StatePool
from auricle_server.engine.subsampling import Subsampling


@dataclass(frozen=True, slots=True)
class Batch:
    """Input of one step; B rows of one chunk size c.

    Attributes:
        pcm: New audio, signed 16 bit, [B, 1280 c].
        slots: Where each row's state is, [B].
        kept_in: Where its new encoder state goes: its slot, or the trash slot when it must not be kept, [B].
        position: First encoder frame, [B].
        start: Absolute index of its first sample of new audio, [B].
        samples: Samples of the stream, or `UNBOUNDED`, [B].
        mel_frames: Mel frames of the stream, or `UNBOUNDED`, [B].
        first: First frame of the chunk to decode, [B].
        last: One past the last, [B].
        valid: Frames of the chunk inside the stream, [B].
        prompt: Language prompt, [B].
    """

    pcm: Tensor
    slots: Tensor
    kept_in: Tensor
    position: Tensor
    start: Tensor
    samples: Tensor
    mel_frames: Tensor
    first: Tensor
    last: Tensor
    valid: Tensor
    prompt: Tensor


class Model:
    """A checkpoint's forward pass.

    Attributes:
        reach: Frames that a query sees to the left of its chunk, by chunk size: the left context in whole chunks, as
            NeMo's ``chunked_limited`` mask counts.
        left: Frames of the attention ring.

    Args:
        checkpoint: Configuration and weights.
        slots: Streams that the state pool holds.
        device: Where to compute.
        dtype: Precision of the encoder's matrix products.
    """

    def __init__(self, checkpoint: Checkpoint, slots: int, device: torch.device, dtype: torch.dtype) -> None:
        config = checkpoint.config
        parameters = Parameters(checkpoint.weights, device, dtype)
        self.geometry = Geometry(config)
        self.reach = {right + 1: left // (right + 1) * (right + 1) for left, right in config.encoder.contexts}
        self.left = max(self.reach.values())
        chunk_sizes = sorted(self.reach)
        self._dtype = dtype
        self._mel = LogMel(config.mel, parameters)
        self._subsampling = Subsampling(config.encoder, config.mel.bins, parameters)
        self._layers = [
            ConformerLayer(index, config.encoder, chunk_sizes, self.left, parameters)
            for index in range(config.encoder.layers)
        ]
        self._project = joint_projection(config, parameters)
        self._decoder = GreedyDecoder(config.decoder, parameters)
        start = self._decoder.network.start()
        self.state = StatePool(config, slots, self.left, start, device, dtype)

    def step(self, batch: Batch) -> Emissions:
        """Computes one chunk of every row and moves the rows' state on."""
        mel = self.features(batch)
        encoded = self.encode(mel, batch)
        return self.decode(encoded, batch)

    def features(self, batch: Batch) -> Tensor:
        """Log-mel of the batch, [B, 8 c, bins]."""
        audio = torch.cat((self.state.audio(batch.slots), batch.pcm.float() * PCM_SCALE), 1)
        self.state.keep_audio(batch.kept_in, audio)
        return self._mel(audio, batch.start - self.geometry.tail_samples, batch.samples)

    def encode(self, mel: Tensor, batch: Batch) -> Tensor:
        """Encoder frames, [B, c, d_model]."""
        carried = self.state.subsampling(batch.slots)
        x, carried = self._subsampling(mel, batch.position, batch.mel_frames, carried)
        self.state.keep_subsampling(batch.kept_in, carried)
        x = x.to(self._dtype)
        view = ring_view(batch.position, batch.valid, self.left, self.reach[x.shape[1]], x.shape[1])
        for index, layer in enumerate(self._layers):
            state = self.state.layer(index, batch.slots)
            x, keys, values, history = layer(x, state.keys, state.values, state.history, view)
            self.state.keep_layer(index, batch.kept_in, LayerState(keys, values, history), view)
        return x

    def decode(self, encoded: Tensor, batch: Batch) -> Emissions:
        """Tokens; the prediction network's state is kept whether or not the encoder's is."""
        projected = self._project(encoded, batch.prompt)
        state = self.state.prediction(batch.slots)
        emissions, state = self._decoder(projected, batch.first, batch.last, state)
        self.state.keep_prediction(batch.slots, state)
        return emissions
