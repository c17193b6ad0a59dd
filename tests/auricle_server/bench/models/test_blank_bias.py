from __future__ import annotations

import pytest
import torch

from auricle_server.bench.models.blank_bias import BIAS, KNOWN, TOKENS_PER_SECOND, calibrate, known_rate, token_rate
from auricle_server.bench.models.random_weights import random_checkpoint


def test_a_calibrated_model_emits_tokens_at_the_rate_of_speech() -> None:
    drawn = random_checkpoint("demo")
    calibrated, rate = calibrate(drawn, device="cpu")
    assert rate == pytest.approx(TOKENS_PER_SECOND, rel=0.35)
    assert torch.equal(calibrated.weights[BIAS][:-1], drawn.weights[BIAS][:-1])
    assert drawn.weights[BIAS][-1] == 0  # the model that was given is unchanged


@pytest.mark.parametrize(
    "name", ["120m", pytest.param("en", marks=pytest.mark.slow), pytest.param("3.5", marks=pytest.mark.slow)]
)
def test_a_known_bias_gives_the_rate_that_is_noted_with_it(name: str) -> None:
    known = known_rate(random_checkpoint(name))
    assert known is not None
    checkpoint, rate = known
    assert float(checkpoint.weights[BIAS][-1]) == KNOWN[checkpoint.name][0]
    # Sums in another order may turn a token or two of the hundred.
    assert token_rate(checkpoint, device="cpu") == pytest.approx(rate, rel=0.1)
    assert rate == pytest.approx(TOKENS_PER_SECOND, rel=0.2)


def test_other_models_have_no_known_bias() -> None:
    assert known_rate(random_checkpoint("demo")) is None
