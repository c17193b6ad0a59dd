"""Exports a trained network as the ``.nemo`` archive of the published models, and reads one back to train on."""

from __future__ import annotations

import io
import math
import tarfile
from pathlib import Path

import torch
from torch import Tensor

from auricle_server.bench.models.nemo_writer import nemo_config, write_archive
from auricle_server.checkpoints.config import DecoderConfig, EncoderConfig, MelConfig, ModelConfig, PromptConfig
from auricle_server.checkpoints.nemo.archive import WEIGHTS_NAME
from demo_model import prompts
from demo_model.network import features
from demo_model.network.model import MAX_SYMBOLS, DemoModel, Shape
from demo_model.tokenizer import Tokenizer

TRAINING_ONLY = ("ctc_head.", "phone_head.")
FULL_PRECISION = ("preprocessor.featurizer.fb", "preprocessor.featurizer.window")


def model_config(shape: Shape) -> ModelConfig:
    """The architecture as the server's checkpoint reader describes it."""
    return ModelConfig(
        MelConfig(
            sample_rate=features.SAMPLE_RATE,
            window=features.WINDOW,
            hop=features.HOP,
            n_fft=features.N_FFT,
            bins=shape.mels,
            preemphasis=features.PREEMPHASIS,
        ),
        EncoderConfig(
            layers=shape.layers,
            d_model=shape.d_model,
            heads=shape.heads,
            conv_kernel=shape.kernel,
            conv_channels=shape.channels,
            scale_input=False,
            contexts=shape.contexts,
            expansion=shape.expansion,
        ),
        DecoderConfig(
            layers=2, hidden=shape.predictor, joint=shape.joint, vocabulary=shape.tokens, max_symbols=MAX_SYMBOLS
        ),
        PromptConfig(shape.prompts, prompts.dictionary()) if shape.prompts else None,
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


def write(model: DemoModel, tokenizer: Tokenizer, model_file: Path, out: Path) -> None:
    """Writes the archive to `out`; `model_file` is the SentencePiece model that the tokenizer came from."""
    out.parent.mkdir(parents=True, exist_ok=True)
    tree = nemo_config(model_config(model.shape), tokenizer.pieces)
    write_archive(out, tree, weights(model), model_file.read_bytes())


def read(model: DemoModel, archive: Path) -> None:
    """Loads encoder and joint projection of an archive with the same sizes, to continue training from them.

    Raises:
        RuntimeError: A size differs.
    """
    with tarfile.open(archive) as opened:
        content = opened.extractfile(WEIGHTS_NAME)
        assert content is not None
        stored = torch.load(io.BytesIO(content.read()), weights_only=True)
    state = {name: value.float() for name, value in stored.items() if name.startswith(("encoder.", "joint.enc."))}
    for name in ("encoder.pre_encode.out.weight", "encoder.pre_encode.out.bias"):
        state[name] /= math.sqrt(model.shape.d_model)
    model.load_state_dict(state, strict=False)
