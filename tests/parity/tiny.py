"""Small checkpoints of the family's classes, made by NeMo itself from the two-tone model's trained weights."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
import yaml

from auricle_server.bench.models.random_vocabulary import random_vocabulary, sentencepiece_model
from auricle_server.bench.models.shapes import published_tree
from auricle_server.checkpoints.config import PromptConfig
from tests.support import tones
from tests.support.archives import unpack

PUBLISHED = published_tree("3.5")
PROMPTS: dict[str, int] = PUBLISHED["model_defaults"]["prompt_dictionary"]
"""The 121 entries of the published model."""
WIDTH = 64
CTC_DECODER = {
    "_target_": "nemo.collections.asr.modules.ConvASRDecoder",
    "feat_in": None,
    "num_classes": -1,
    "vocabulary": [],
}
Change = Callable[[dict[str, Any]], None]


def make_prompted(path: Path, name: str = "EncDecRNNTBPEModelWithPrompt", **encoder: object) -> Path:
    """Saves a model of a prompted class that hears two-tone words.

    Attention contexts and their order, prompt dictionary, and a Unigram tokenizer of mixed scripts are as in the
    published multilingual model; what the tokens stand for is random. The prompt kernel passes encoder frames on as
    they are and adds something of each prompt's own, so that the language makes a difference. `encoder` overrides the
    encoder's configuration; parameters that the two-tone model does not have are random.
    """
    torch.manual_seed(0)
    config = _config(path.parent, {"att_context_size": PUBLISHED["encoder"]["att_context_size"], **encoder})
    config["model_defaults"] |= {
        key: PUBLISHED["model_defaults"][key]
        for key in ("initialize_prompt_feature", "num_prompts", "norm", "prompt_dictionary")
    }
    vocabulary = random_vocabulary(config["joint"]["num_classes"], PromptConfig(128, PROMPTS))
    (path.parent / "tokenizer.model").write_bytes(sentencepiece_model(vocabulary))
    (path.parent / "vocab.txt").write_text("".join(f"{piece}\n" for piece in vocabulary.pieces))
    model = _made(name, config)
    model.load_state_dict(torch.load(path.parent / "model_weights.ckpt", weights_only=True), strict=False)
    with torch.no_grad():
        _pass_on(model.prompt_kernel, torch.Generator().manual_seed(3))
    model.save_to(str(path))
    return path


def make_member(path: Path, name: str = "EncDecRNNTBPEModel", change: Change | None = None, **encoder: object) -> Path:
    """Saves a model of NeMo's class `name`, with random parameters where the two-tone model's do not fit.

    Args:
        path: Where to.
        name: The class.
        change: Changes the configuration.
        encoder: Overrides the encoder's configuration.
    """
    torch.manual_seed(0)
    config = _config(path.parent, encoder)
    if change:
        change(config)
    model = _made(name, config)
    trained = torch.load(path.parent / "model_weights.ckpt", weights_only=True)
    own = model.state_dict()
    fitting = {key: value for key, value in trained.items() if key in own and own[key].shape == value.shape}
    model.load_state_dict(fitting, strict=False)
    with torch.no_grad():
        _stir(model, torch.Generator().manual_seed(7))
    model.save_to(str(path))
    return path


def _made(name: str, config: dict[str, Any]) -> Any:
    from nemo.collections.asr import models
    from omegaconf import OmegaConf

    if "Hybrid" in name:
        config["aux_ctc"] = {"ctc_loss_weight": 0.3, "decoder": dict(CTC_DECODER), "decoding": {"strategy": "greedy"}}
    return getattr(models, name)(cfg=OmegaConf.create(config)).eval()


def _stir(model: Any, generator: torch.Generator) -> None:
    """Gives what is born as a constant values of its own, and makes blanks rarer, so that every model speaks."""
    model.joint.joint_net[-1].bias[-1] -= 4
    for name, value in model.named_buffers():
        if name.endswith("running_mean"):
            value.normal_(0, 0.2, generator=generator)
        elif name.endswith("running_var"):
            value.uniform_(0.5, 2.0, generator=generator)
    for name, value in model.named_parameters():
        if ("pos_bias" in name or "adapter_layer" in name) and not value.any():
            value.normal_(0, 0.3, generator=generator)


def _config(folder: Path, encoder: dict[str, object]) -> dict[str, Any]:
    """The configuration of the two-tone checkpoint, turned into that of a prompted model of the same size."""
    unpack(tones.CHECKPOINT, folder)
    config = yaml.safe_load((folder / "model_config.yaml").read_text())
    parts = config["tokenizer"]
    (folder / "tokenizer.model").write_bytes((folder / parts["model_path"].removeprefix("nemo:")).read_bytes())
    (folder / "vocab.txt").write_bytes((folder / parts["vocab_path"].removeprefix("nemo:")).read_bytes())
    config["tokenizer"] = {"dir": str(folder), "type": "bpe"}
    config["encoder"] |= encoder
    del config["target"]
    return config


def _pass_on(kernel: torch.nn.Sequential, generator: torch.Generator) -> None:
    """relu(x + p) - relu(-x): the frame itself where the prompt p is zero."""
    first, second = kernel[0], kernel[2]
    identity = torch.eye(WIDTH)
    first.weight[:, :WIDTH] = torch.cat((identity, -identity))
    first.weight[:, WIDTH:].normal_(0, 2.0, generator=generator)
    first.bias.zero_()
    second.weight.copy_(torch.cat((identity, -identity), 1))
    second.bias.zero_()
