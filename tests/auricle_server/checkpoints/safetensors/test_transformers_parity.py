"""What `transformers` saves, loads here, and means the same: its own classes beside the engine, on the same audio."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from auricle_server.checkpoints import load_checkpoint
from auricle_server.checkpoints.config import PromptConfig
from auricle_server.checkpoints.load import Checkpoint
from auricle_server.engine import Engine
from tests.support import tones
from tests.support.feeding import Feeder

transformers = pytest.importorskip("transformers", reason="transformers is not installed")
if not hasattr(transformers, "Nemotron3_5AsrForRNNT"):
    pytest.skip("this transformers has no streaming Nemotron classes", allow_module_level=True)

from tests.parity.theirs import Theirs, save_random, save_trained  # noqa: E402 - imports transformers

pytestmark = [pytest.mark.parity, pytest.mark.timeout(300)]

PROMPTS = {"en-US": 0, "en": 0, "fr-FR": 8, "de-DE": 9, "auto": 101}


def plain() -> Checkpoint:
    return load_checkpoint(str(tones.CHECKPOINT))


def prompted() -> Checkpoint:
    """The two-tone model with a prompt that changes what it hears."""
    checkpoint, generator = plain(), torch.Generator().manual_seed(3)
    width, identity = 64, torch.eye(64)
    added = torch.randn(2 * width, 128, generator=generator) * 2
    kernel = {
        "prompt_kernel.0.weight": torch.cat((torch.cat((identity, -identity)), added), 1),
        "prompt_kernel.0.bias": torch.zeros(2 * width),
        "prompt_kernel.2.weight": torch.cat((identity, -identity), 1),
        "prompt_kernel.2.bias": torch.zeros(width),
    }
    config = replace(checkpoint.config, prompt=PromptConfig(128, PROMPTS))
    return replace(checkpoint, config=config, weights={**checkpoint.weights, **kernel})


def compare(folder: Path, languages: tuple[str, ...], *, is_prompted: bool) -> int:
    """Tokens and frames of both for every latency; how many tokens there were."""
    theirs, checkpoint = Theirs(folder, prompted=is_prompted), load_checkpoint(str(folder))
    engine, rng, tokens = Engine(checkpoint, slots=3, device="cpu"), random.Random(1), 0
    for _, right in checkpoint.config.encoder.contexts:
        for language in languages:
            jobs = {job: tones.utterance(rng.randrange(1 << 30), 3)[0] for job in range(2)}
            heard = Feeder(engine, seed=right).run(jobs, 80 * (right + 1), language, at_once=2)
            for job, audio in jobs.items():
                assert (heard[job].tokens, heard[job].frames) == theirs.hear(audio, right, language)
                tokens += len(heard[job].tokens)
    return tokens


@pytest.mark.parametrize("saving", [{}, {"max_shard_size": "200KB"}], ids=["one file", "several files"])
def test_a_trained_english_model_hears_the_same(tmp_path: Path, saving: dict[str, Any]) -> None:
    folder = save_trained(plain(), tmp_path, **saving)
    assert (len(list(folder.glob("*.safetensors"))) > 1) == bool(saving)
    assert compare(folder, ("en-US",), is_prompted=False) > 20


def test_a_trained_multilingual_model_hears_the_same_in_every_language(tmp_path: Path) -> None:
    folder = save_trained(prompted(), tmp_path)
    assert compare(folder, ("en-US", "fr-FR", "auto"), is_prompted=True) > 50


@pytest.mark.parametrize(
    ("base", "encoder"),
    [
        (plain, {"attention_bias": True, "convolution_bias": True, "scale_input": True, "num_hidden_layers": 3}),
        (plain, {"num_attention_heads": 2, "intermediate_size": 128, "conv_kernel_size": 5}),
        (prompted, {"attention_bias": True, "subsampling_conv_channels": 8}),
    ],
    ids=["biases, scaled input", "heads, width, kernel", "multilingual"],
)
def test_random_models_of_other_shapes_emit_the_same(tmp_path: Path, base: Any, encoder: dict[str, Any]) -> None:
    checkpoint = base()
    is_prompted = checkpoint.config.prompt is not None
    folder = save_random(checkpoint, tmp_path, seed=5, **encoder)
    assert compare(folder, ("en-US",), is_prompted=is_prompted) > 20


def test_filters_and_window_are_those_of_transformers(tmp_path: Path) -> None:
    folder = save_trained(plain(), tmp_path)
    loaded = load_checkpoint(str(folder)).weights
    assert torch.allclose(loaded["preprocessor.featurizer.fb"][0], Theirs(folder, prompted=False).filters, atol=1e-7)
    assert torch.equal(loaded["preprocessor.featurizer.window"], torch.hann_window(400, periodic=False))
