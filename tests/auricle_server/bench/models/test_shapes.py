from __future__ import annotations

from typing import Any

import pytest

from auricle_server.bench.models.shapes import PUBLISHED, SHAPES, published_tree
from auricle_server.checkpoints.config import ModelConfig
from auricle_server.checkpoints.languages import TRAINED, offered_languages


@pytest.mark.parametrize("name", ["en", "3.5"])
def test_the_large_ones_have_600_million(name: str) -> None:
    """Counted by hand, without drawing gigabytes."""
    encoder = SHAPES[name].encoder
    blocks = encoder.layers * (16 + 8) * encoder.d_model**2
    assert 590 < blocks / 1e6 < 620


@pytest.mark.parametrize("config", SHAPES.values(), ids=SHAPES)
def test_chunks_last_from_80_to_1120_ms(config: ModelConfig) -> None:
    assert config.frame_samples == 1280  # 80 ms
    rights = {right for _, right in config.encoder.contexts}
    assert {0, 6, 13} < rights
    assert len(rights) == len(config.encoder.contexts)


FACTS: dict[str, dict[str, Any]] = {
    "en": {"contexts": ((70, 13), (70, 6), (70, 1), (70, 0)), "vocabulary": 1024, "class": "EncDecRNNTBPEModel"},
    "3.5": {
        "contexts": ((56, 3), (56, 0), (56, 6), (56, 13)),
        "vocabulary": 13087,
        "class": "EncDecRNNTBPEModelWithPrompt",
    },
}


@pytest.mark.parametrize("name", PUBLISHED)
def test_they_are_as_published(name: str) -> None:
    tree, config, facts = published_tree(name), SHAPES[name], FACTS[name]
    assert tree["target"].endswith(f".{facts['class']}")
    assert config.encoder.contexts == facts["contexts"]
    assert config.decoder.vocabulary == tree["decoder"]["vocab_size"] == facts["vocabulary"]
    encoder, decoder = config.encoder, config.decoder
    assert (encoder.layers, encoder.d_model, encoder.heads, encoder.expansion) == (24, 1024, 8, 4)
    assert (encoder.conv_channels, encoder.conv_kernel, encoder.conv_norm) == (256, 9, True)
    assert not encoder.scale_input
    assert (decoder.layers, decoder.hidden, decoder.joint, decoder.max_symbols) == (2, 640, 640, 10)
    assert config.mel.bins == 128
    section = tree["encoder"]
    assert (section["use_bias"], section["untie_biases"], section["pos_emb_max_len"]) == (False, True, 5000)
    assert [section[f"dropout{part}"] for part in ("", "_pre_encoder", "_emb", "_att")] == [0.1, 0.1, 0.0, 0.1]
    assert tree["decoding"]["strategy"] == "greedy_batch"
    assert tree["tokenizer"]["type"] == "bpe"


def test_the_prompt_dictionary_is_the_published_one() -> None:
    prompt = SHAPES["3.5"].prompt
    assert prompt is not None
    assert (prompt.size, len(prompt.dictionary), prompt.dictionary["auto"]) == (128, 121, 101)
    assert (prompt.dictionary["no"], prompt.dictionary["nn-NO"], prompt.dictionary["fr-CA"]) == (27, 104, 100)
    assert TRAINED.keys() < prompt.dictionary.keys()
    assert set(offered_languages(prompt, published=True)) == {"auto", *TRAINED}
