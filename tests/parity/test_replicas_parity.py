"""Replicas of the published checkpoints, two of their 24 layers at full width: NeMo and `transformers` restore them.

What they hear equals the engine's at each published context, and at the one that the multilingual model's card adds.
"""

from __future__ import annotations

import json
import random
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

from auricle_server.bench.models.replicas import write_replica
from auricle_server.bench.models.shapes import PUBLISHED
from auricle_server.checkpoints.known.lookup import profile_of
from auricle_server.checkpoints.load import Checkpoint, load_checkpoint, with_profile
from auricle_server.engine import Engine
from auricle_server.engine.build import Hardware
from auricle_server.engine.weight_formats import WeightFormat
from tests.auricle_server.bench.models.test_replicas import REPOSITORIES
from tests.parity.conftest import Reference
from tests.parity.rounding import rounding
from tests.support.feeding import Feeder
from tests.support.tones import Pcm

transformers = pytest.importorskip("transformers", reason="transformers is not installed")
if not hasattr(transformers, "Nemotron3_5AsrForRNNT"):
    pytest.skip("this transformers has no streaming Nemotron classes", allow_module_level=True)

from tests.parity.theirs import Theirs  # noqa: E402 - imports transformers

pytestmark = [pytest.mark.parity, pytest.mark.slow, pytest.mark.timeout(600)]

LAYERS = 2
EXACT = Hardware("cpu", max_frames=42, weights=WeightFormat.FLOAT32)
CLIPS = Path(__file__).parents[2] / "server/auricle_server/demo/audio"


def speech(seed: int, seconds: float = 4.0) -> Pcm:
    """Some of the bundled speech, with a ragged end."""
    rng = random.Random(seed)
    clip = rng.choice(json.loads((CLIPS / "manifest.json").read_text()))
    audio: Pcm = soundfile.read(CLIPS / clip["file"], dtype="int16")[0]
    start = rng.randrange(max(1, len(audio) - int(16_000 * seconds)))
    return audio[start : start + int(16_000 * seconds) - rng.randrange(3000)]


@pytest.fixture(scope="module", params=PUBLISHED)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def reference(name: str, tmp_path_factory: pytest.TempPathFactory) -> Reference:
    folder = tmp_path_factory.mktemp("nemo")
    return Reference(write_replica(name, folder, form="nemo", layers=LAYERS))


@pytest.fixture(scope="module")
def checkpoint(name: str, reference: Reference) -> Checkpoint:
    """The archive as loaded here, with the card's contexts."""
    loaded, profile = load_checkpoint(str(reference.path)), profile_of(REPOSITORIES[name])
    assert profile is not None
    found = replace(loaded, config=with_profile(loaded.config, profile))
    assert ((56, 1) in found.config.encoder.contexts) == (name == "3.5")
    return found


def test_nemo_restores_the_published_configuration(name: str, reference: Reference) -> None:
    model, published = reference.model, {"en": "EncDecRNNTBPEModel", "3.5": "EncDecRNNTBPEModelWithPrompt"}
    assert type(model).__name__ == published[name]
    assert len(model.tokenizer.vocab) == model.joint.num_classes_with_blank - 1
    assert reference.contexts[0] == {"en": (70, 13), "3.5": (56, 3)}[name]
    assert model.cfg.decoding.strategy == "greedy_batch"
    if name == "3.5":
        assert len(model.cfg.model_defaults.prompt_dictionary) == 121


def test_both_tokenizers_spell_alike(checkpoint: Checkpoint, reference: Reference) -> None:
    """NeMo reads the tokenizer's model, the engine its pieces."""
    rng = random.Random(2)
    for tokens in (rng.choices(range(1, len(checkpoint.pieces)), k=12) for _ in range(20)):
        expected = "".join(checkpoint.pieces[token] for token in tokens).replace("▁", " ").strip()
        assert reference.model.tokenizer.ids_to_text(tokens).split() == expected.split()


def test_every_context_equals_nemo_offline(name: str, checkpoint: Checkpoint, reference: Reference) -> None:
    engine = Engine(checkpoint, slots=3, hardware=EXACT)
    languages = ("en-US",) * 3 if name == "en" else ("en-US", "de-DE", "auto")
    worst, share, tokens = 0.0, 0.0, 0
    for left, right in checkpoint.config.encoder.contexts:
        jobs = {job: speech(10 * right + job) for job in range(len(languages))}
        heard = Feeder(engine, seed=right, keep_encoded=True).run(
            jobs, 80 * (right + 1), dict(enumerate(languages)), at_once=3
        )
        for job, audio in jobs.items():
            with torch.inference_mode():
                expected = reference.encode(torch.from_numpy(audio.astype(np.float32) / 32768), (left, right))
                difference = float((torch.cat(heard[job].encoded) - expected).abs().max())
                worst, share = max(worst, difference), max(share, difference / rounding(checkpoint, expected))
                found = reference.decode(prompted(reference, expected, languages[job]))
            assert (heard[job].tokens, heard[job].frames) == found, (left, right)
            tokens += len(heard[job].tokens)
    print(f"\n{name}: encoder differs by {worst:.1e}, {share:.0%} of what rounding explains; {tokens} tokens")
    assert share <= 1
    assert tokens > 20


def prompted(reference: Reference, encoded: torch.Tensor, language: str) -> torch.Tensor:
    """[T, d] as NeMo hands it to the joint, [T, d]."""
    defaults = reference.model.cfg.model_defaults
    if "prompt_dictionary" not in defaults:
        return encoded
    reference.model._inference_prompt_index = defaults.prompt_dictionary[language]
    frames: torch.Tensor = reference.model._apply_prompt_to_encoded(encoded.T[None])[0].T
    return frames


def test_transformers_hears_the_same_at_every_published_context(name: str, tmp_path: Path) -> None:
    folder = write_replica(name, tmp_path, form="safetensors", layers=LAYERS)
    theirs = Theirs(folder, prompted=name == "3.5")
    loaded = load_checkpoint(str(folder))
    engine, tokens = Engine(loaded, slots=2, hardware=EXACT), 0
    language = "en-US" if name == "en" else "fr-FR"
    for _, right in loaded.config.encoder.contexts:
        audio = speech(right)
        heard = Feeder(engine, seed=right).run({0: audio}, 80 * (right + 1), language, at_once=1)[0]
        assert (heard.tokens, heard.frames) == theirs.hear(audio, right, language)
        tokens += len(heard.tokens)
    assert tokens > 10
