from __future__ import annotations

import pytest
import torch

from auricle_server.bench.models.blank_bias import BIAS, TOKENS_PER_SECOND, calibrate
from auricle_server.bench.models.random_weights import random_checkpoint


def test_a_calibrated_model_emits_tokens_at_the_rate_of_speech() -> None:
    drawn = random_checkpoint("demo")
    calibrated, rate = calibrate(drawn, device="cpu")
    assert rate == pytest.approx(TOKENS_PER_SECOND, rel=0.35)
    assert torch.equal(calibrated.weights[BIAS][:-1], drawn.weights[BIAS][:-1])
    assert drawn.weights[BIAS][-1] == 0  # the model that was given is unchanged
