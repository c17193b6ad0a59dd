"""The bench of weight formats: what it counts, and that only the chosen products are rounded."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from auricle_server.checkpoints import load_checkpoint
from auricle_server.engine.model.fbgemm_products import Int8Product
from auricle_server.engine.model.forward import Model
from auricle_server.engine.ops import portable_ops
from auricle_server.engine.weight_formats import WeightFormat
from tests.bench.finals.talks import Part, PausedTalk
from tests.bench.weight_formats.engines import SEVEN_BITS, engine, only_in_int8, weight_levels, with_remainders
from tests.bench.weight_formats.measures import CPU, EncoderError, FormatFigures, decode
from tests.support import tones

PIECES = ("\u2581one", "\u2581two", "\u2581three")


def spoken(text: str) -> PausedTalk:
    return PausedTalk(np.zeros(1, np.int16), (Part(text, 0, 1),))


def test_changed_tokens_and_word_errors_are_counted() -> None:
    figures = FormatFigures.of(PIECES, [spoken("One, two."), spoken("three")], [[0, 2], [2, 2]], [[0, 1], [2]])
    assert figures == FormatFigures(tokens=3, changed=2, said=3, errors=2)
    assert figures.record()["wer_percent"] == pytest.approx(200 / 3)
    assert figures.record()["changed_percent"] == pytest.approx(200 / 3)


def test_only_the_chosen_products_have_int8_weights(monkeypatch: pytest.MonkeyPatch) -> None:
    checkpoint = load_checkpoint(str(tones.CHECKPOINT))
    last, packed, pack = checkpoint.config.encoder.layers - 1, [], Int8Product.__init__

    def counted(self: Int8Product, weight: torch.Tensor, *rest: Any) -> None:
        packed.append(tuple(weight.shape))
        pack(self, weight, *rest)

    monkeypatch.setattr(Int8Product, "__init__", counted)
    with only_in_int8(lambda layer, kind: layer == last and kind == "query, key and value"):
        Model(checkpoint, 1, CPU, torch.float32, portable_ops(), weights=WeightFormat.INT8)
    d_model = checkpoint.config.encoder.d_model
    assert packed == [(3 * d_model, d_model)]


def test_what_is_not_chosen_stays_exact() -> None:
    checkpoint = load_checkpoint(str(tones.CHECKPOINT))
    error = EncoderError(checkpoint)
    with only_in_int8(lambda layer, _: layer == 0):
        some = error.of(WeightFormat.INT8)
    with only_in_int8(lambda *_: False):
        none = error.of(WeightFormat.INT8)
    assert none == 0
    assert 0 < some < error.of(WeightFormat.INT8)


def test_remainders_are_what_rounding_to_fp16_takes_away() -> None:
    stored = load_checkpoint(str(tones.CHECKPOINT))
    restored = with_remainders(stored)
    for name in ("encoder.layers.0.feed_forward1.linear1.weight", "joint.joint_net.2.weight"):
        exact = stored.weights[name].half()
        assert not torch.equal(restored.weights[name], exact.float())
    rounded = {"w": torch.tensor([[1.0, -0.75, 0.1, 3e-3, 0.0]]).half().float()}
    again = with_remainders(replace(stored, weights=rounded)).weights["w"]
    assert torch.equal(again.half().float(), rounded["w"])
    assert (again != rounded["w"]).tolist() == [[True, True, True, True, False]]


def test_seven_bits_err_more_than_eight() -> None:
    error = EncoderError(with_remainders(load_checkpoint("demo")))
    with weight_levels(SEVEN_BITS):
        seven = error.of(WeightFormat.INT8)
    with weight_levels(127):
        eight = error.of(WeightFormat.INT8)
    assert 0 < error.of(WeightFormat.FP16) < eight < seven


def test_talks_in_a_batch_decode_as_alone() -> None:
    checkpoint = load_checkpoint(str(tones.CHECKPOINT))
    pcm = [tones.utterance(seed, 5)[0] for seed in range(3)]
    talks = [PausedTalk(each, ()) for each in pcm]
    together = decode(engine(checkpoint, WeightFormat.FLOAT32), talks, 560)
    alone = [decode(engine(checkpoint, WeightFormat.FLOAT32), [each], 560)[0] for each in talks]
    assert together == alone
    assert all(together)
