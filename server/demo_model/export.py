"""Writes a NeMo archive: ``model_config.yaml``, ``model_weights.ckpt`` and the tokenizer's files in a tar."""

from __future__ import annotations

import io
import math
import tarfile
from pathlib import Path

import torch
from torch import Tensor

from demo_model import prompts
from demo_model.network.model import DemoModel, Shape
from demo_model.tokenizer import MODEL_FILE, Tokenizer

NEMO_VERSION = "3.0.0"
TARGET = "nemo.collections.asr.models.rnnt_bpe_models.EncDecRNNTBPEModel"
PROMPTED = "nemo.collections.asr.models.rnnt_bpe_models_prompt.EncDecRNNTBPEModelWithPrompt"
TRAINING_ONLY = ("ctc_head.", "phone_head.")
FULL_PRECISION = ("preprocessor.featurizer.fb", "preprocessor.featurizer.window")
VOCABULARY_FILE = "vocab.txt"

_CONFIG = """\
sample_rate: 16000
compute_eval_loss: false
log_prediction: false
skip_nan_grad: false
model_defaults:
  enc_hidden: {d_model}
  pred_hidden: {predictor}
  joint_hidden: {joint}
{prompts}tokenizer:
  type: bpe
  dir: null
  model_path: nemo:{model_file}
  vocab_path: nemo:{vocabulary_file}
  spe_tokenizer_vocab: null
preprocessor:
  _target_: nemo.collections.asr.modules.AudioToMelSpectrogramPreprocessor
  sample_rate: 16000
  normalize: NA
  window_size: 0.025
  window_stride: 0.01
  window: hann
  features: {mels}
  n_fft: 512
  log: true
  frame_splicing: 1
  dither: 0.0
  pad_to: 0
encoder:
  _target_: nemo.collections.asr.modules.ConformerEncoder
  feat_in: {mels}
  feat_out: -1
  n_layers: {layers}
  d_model: {d_model}
  use_bias: false
  subsampling: dw_striding
  subsampling_factor: 8
  subsampling_conv_channels: {channels}
  causal_downsampling: true
  ff_expansion_factor: 4
  self_attention_model: rel_pos
  n_heads: {heads}
  att_context_size: {contexts}
  att_context_style: chunked_limited
  att_context_probs: null
  xscaling: false
  untie_biases: true
  pos_emb_max_len: 5000
  conv_kernel_size: {kernel}
  conv_norm_type: layer_norm
  conv_context_size: causal
  dropout: 0.1
  dropout_pre_encoder: 0.1
  dropout_emb: 0.0
  dropout_att: 0.1
decoder:
  _target_: nemo.collections.asr.modules.RNNTDecoder
  normalization_mode: null
  random_state_sampling: false
  blank_as_pad: true
  vocab_size: {tokens}
  prednet:
    pred_hidden: {predictor}
    pred_rnn_layers: 2
    t_max: null
    dropout: 0.1
joint:
  _target_: nemo.collections.asr.modules.RNNTJoint
  log_softmax: null
  preserve_memory: false
  fuse_loss_wer: true
  fused_batch_size: 4
  num_classes: {tokens}
  vocabulary:
{vocabulary}
  jointnet:
    encoder_hidden: {d_model}
    pred_hidden: {predictor}
    joint_hidden: {joint}
    activation: relu
    dropout: 0.1
decoding:
  strategy: greedy_batch
  greedy:
    max_symbols: 10
loss:
  loss_name: default
  warprnnt_numba_kwargs:
    fastemit_lambda: 0.0
    clamp: -1.0
optim:
  name: adamw
  lr: 0.0015
labels:
{labels}
target: {target}
nemo_version: {nemo_version}
"""


_PROMPTS = """\
  initialize_prompt_feature: true
  num_prompts: {size}
  prompt_dictionary:
{dictionary}
"""


def _prompts(shape: Shape) -> str:
    if not shape.prompts:
        return ""
    rows = "\n".join(f"    {code}: {index}" for code, index in prompts.dictionary().items())
    return _PROMPTS.format(size=shape.prompts, dictionary=rows)


def configuration(shape: Shape, tokenizer: Tokenizer) -> str:
    """The text of ``model_config.yaml``."""
    quoted = ["'" + piece.replace("'", "''") + "'" for piece in tokenizer.pieces]
    return _CONFIG.format(
        **{name: value for name, value in shape.as_dict().items() if name != "prompts"},
        prompts=_prompts(shape),
        contexts=[list(context) for context in shape.contexts],
        model_file=MODEL_FILE,
        vocabulary_file=VOCABULARY_FILE,
        vocabulary="\n".join("    - " + piece for piece in quoted),
        labels="\n".join("  - " + piece for piece in quoted),
        target=PROMPTED if shape.prompts else TARGET,
        nemo_version=NEMO_VERSION,
    )


def weights(model: DemoModel) -> dict[str, Tensor]:
    """NeMo's state dict in half precision, except for the filters.

    The factor sqrt(d) by which the trained network scales the subsampling's output is folded into its last linear
    layer, so that the archive says ``xscaling: false`` like the published models.
    """
    state = {
        name: value.detach().clone().float().cpu()
        for name, value in model.state_dict().items()
        if not name.startswith(TRAINING_ONLY)
    }
    for name in ("encoder.pre_encode.out.weight", "encoder.pre_encode.out.bias"):
        state[name] *= math.sqrt(model.shape.d_model)
    return {name: value if name in FULL_PRECISION else value.half() for name, value in state.items()}


def _add(archive: tarfile.TarFile, name: str, content: bytes) -> None:
    """Add a file without owner, time or folder: the archive depends on its content alone."""
    info = tarfile.TarInfo(name)
    info.size, info.mode = len(content), 0o644
    archive.addfile(info, io.BytesIO(content))


def write(model: DemoModel, tokenizer: Tokenizer, model_file: Path, out: Path) -> None:
    """Write the archive atomically; `model_file` is the SentencePiece model the tokenizer came from."""
    stored = io.BytesIO()
    torch.save(weights(model), stored)
    out.parent.mkdir(parents=True, exist_ok=True)
    part = out.with_suffix(".part")
    with tarfile.open(part, "w") as archive:
        _add(archive, "model_config.yaml", configuration(model.shape, tokenizer).encode())
        _add(archive, "model_weights.ckpt", stored.getvalue())
        _add(archive, MODEL_FILE, model_file.read_bytes())
        _add(archive, VOCABULARY_FILE, "".join(piece + "\n" for piece in tokenizer.pieces).encode())
    part.replace(out)


def read(model: DemoModel, archive: Path) -> None:
    """Take over encoder and joint projections from an archive of the same sizes, for a training that goes on from it.

    Raises:
        RuntimeError: A size differs.
    """
    with tarfile.open(archive) as opened:
        content = opened.extractfile("model_weights.ckpt")
        assert content is not None
        stored = torch.load(io.BytesIO(content.read()), weights_only=True)
    state = {name: value.float() for name, value in stored.items() if name.startswith(("encoder.", "joint.enc."))}
    for name in ("encoder.pre_encode.out.weight", "encoder.pre_encode.out.bias"):
        state[name] /= math.sqrt(model.shape.d_model)
    model.load_state_dict(state, strict=False)
