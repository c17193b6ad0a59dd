"""Confidence by entropy equals NeMo's."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from auricle_server.engine.decoding.confidence import entropy_confidences
from auricle_server.engine.ops.inputs import ALPHA


@pytest.mark.parity
@pytest.mark.parametrize("tokens", [12, 257, 1025])
def test_confidences_equal_nemo(tokens: int) -> None:
    from nemo.collections.asr.parts.utils.asr_confidence_utils import get_confidence_measure_bank

    logits = torch.randn(64, tokens, generator=torch.Generator().manual_seed(tokens), dtype=torch.float64) * 3
    logs = logits.log_softmax(-1)
    theirs = get_confidence_measure_bank()["entropy_tsallis_exp"](logs, tokens, ALPHA).numpy()
    powers = (ALPHA * logs).exp().sum(-1).float().numpy()
    np.testing.assert_allclose(entropy_confidences(powers, tokens), theirs, rtol=1e-3, atol=1e-7)
