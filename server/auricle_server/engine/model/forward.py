"""A checkpoint's forward pass for one batch of chunks, over slot-resident state.

`features` -> `encode` -> `project` -> greedy search. Nothing here waits for the device.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from auricle_server.checkpoints.load import Checkpoint
from auricle_server.engine.frames import FrameGeometry
from auricle_server.engine.model.conformer import Conformer
from auricle_server.engine.model.joint import Joint
from auricle_server.engine.model.key_term_tables import CPU_SIZE, CUDA_SIZE, NO_SIZE, KeyTermPool
from auricle_server.engine.model.language_prompt import joint_projection
from auricle_server.engine.model.log_mel import PCM_SCALE, LogMel
from auricle_server.engine.model.parameters import Parameters
from auricle_server.engine.model.prediction_network import PredictionNetwork
from auricle_server.engine.model.state_pool import StatePool, fitting_slots
from auricle_server.engine.model.subsampling import Subsampling
from auricle_server.engine.ops import CacheRows, Ops
from auricle_server.engine.weight_formats import WeightFormat

CHUNK_COUNTS = 2, 4, 8
"""Chunks that a row of a stream with background priority may hold: fewer and larger matrix products."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Input of one step; B rows of one chunk size c.

    Attributes:
        pcm: New audio, signed 16 bit, [B, 1280 c].
        slots: Slot of each row's state, [B].
        write_slots: Slot to which its new state is written: its own, or the trash slot when it must not be kept, [B].
        position: First encoder frame, [B].
        start: Absolute index of its first sample of new audio, [B].
        samples: Samples of the stream, or `UNBOUNDED`, [B].
        mel_frames: Mel frames of the stream, or `UNBOUNDED`, [B].
        last: Frames of the chunk inside the stream, all of which are decoded, [B].
        prompt: Language prompt, [B].
        terms: Root of each row's automaton of key terms, negative where the row starts at the root, [B]; 0 for a row
            without key terms.
    """

    pcm: Tensor
    slots: Tensor
    write_slots: Tensor
    position: Tensor
    start: Tensor
    samples: Tensor
    mel_frames: Tensor
    last: Tensor
    prompt: Tensor
    terms: Tensor


COLUMNS = len(Batch.__dataclass_fields__) - 1
"""Columns of a batch besides its audio."""


class Model:
    """Parameters on a device, and the state of the streams.

    Attributes:
        reach: Frames that a query sees to the left of its chunk, by chunk size: the left context in whole chunks, as
            NeMo's ``chunked_limited`` mask counts.
        left: Frames of the attention ring.
        chunks_of_row: Chunks of a row that holds several of the largest ones, by its encoder frames.
        network: RNNT prediction network.
        joint: RNNT joint.
        takes_key_terms: Whether streams may have key terms.
        key_terms: Automata of key terms.
        slots: Streams that the state pool holds.

    Args:
        checkpoint: Configuration and weights.
        slots: Streams that the state pool holds; None takes what suits the device.
        device: Where to compute.
        dtype: Precision of the encoder's matrix products.
        ops: Operations that are more than a matrix product.
        takes_key_terms: Whether streams may have key terms.
        weights: Format of the weights in memory.
        fp8_rings: Whether keys and values are kept in FP8.
    """

    def __init__(
        self,
        checkpoint: Checkpoint,
        slots: int | None,
        device: torch.device,
        dtype: torch.dtype,
        ops: Ops,
        takes_key_terms: bool = True,
        weights: WeightFormat = WeightFormat.FLOAT32,
        fp8_rings: bool = False,
    ) -> None:
        self.config = config = checkpoint.config
        self.device, self.ops = device, ops
        parameters = Parameters(checkpoint.weights, device, dtype, weights)
        self.geometry = FrameGeometry(config)
        self.reach = {right + 1: left // (right + 1) * (right + 1) for left, right in config.encoder.contexts}
        # One ring serves all latencies, so a stream may change its latency at a chunk boundary and keep its past.
        self.left = max(self.reach.values())
        longest = max(self.reach)
        self.chunks_of_row = {count * longest: count for count in CHUNK_COUNTS} if ops.multi_chunk_rows else {}
        self._mel = LogMel(config.mel, parameters)
        self._subsampling = Subsampling(config.encoder, config.mel.bins, parameters)
        self._conformer = Conformer(config.encoder, sorted(self.reach), self.left, parameters, ops)
        self._projection = joint_projection(config, parameters)
        self.network = PredictionNetwork(config.decoder, parameters)
        self.joint = Joint(config.decoder, parameters)
        self.takes_key_terms = takes_key_terms
        size = CUDA_SIZE if device.type == "cuda" else CPU_SIZE
        self.key_terms = KeyTermPool(size if takes_key_terms else NO_SIZE, config.decoder.vocabulary, device)
        # The pool of the trash slot alone tells how much memory a slot takes.
        self.slots = slots or fitting_slots(self._state(0, dtype, fp8_rings).bytes_per_slot, device)
        self.state = self._state(self.slots, dtype, fp8_rings)

    def _state(self, slots: int, dtype: torch.dtype, fp8_rings: bool) -> StatePool:
        return StatePool(self.config, slots, self.left, self.network.start(), self.device, dtype, fp8_rings)

    def features(self, batch: Batch) -> Tensor:
        """Log-mel of the batch, [B, 8 c, bins]."""
        audio = torch.cat((self.state.audio(batch.slots), batch.pcm.float() * PCM_SCALE), 1)
        # `audio` is a copy already: slots and write slots may be the same.
        self.state.keep_audio(batch.write_slots, audio)
        # The slot's samples precede the new ones, so the row begins that much earlier in the stream.
        return self._mel(audio, batch.start - self.geometry.tail_samples, batch.samples)

    def encode(self, mel: Tensor, batch: Batch) -> Tensor:
        """Encoder frames, [B, c, d_model], fp32."""
        carried = self.state.subsampling(batch.slots)
        x, carried = self._subsampling(mel, batch.position, batch.mel_frames, carried)
        self.state.keep_subsampling(batch.write_slots, carried)
        chunk = x.shape[1] // self.chunks_of_row.get(x.shape[1], 1)
        rows = CacheRows(
            batch.slots,
            batch.write_slots,
            batch.position,
            batch.last,
            self.reach[chunk],
            self.left,
            chunk if chunk < x.shape[1] else 0,
        )
        return self._conformer(x, self.state.layers, rows)

    def project(self, encoded: Tensor, batch: Batch) -> Tensor:
        """Encoder frames under their language prompt, projected for the joint, [B, c, joint]."""
        return self._projection(encoded, batch.prompt)
