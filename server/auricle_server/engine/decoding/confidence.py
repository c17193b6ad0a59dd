"""Confidence of a token: the Tsallis entropy over the vocabulary, normalised to 0 to 1.

Unlike the token's probability it distinguishes a choice between two words from one among many, and does not saturate
near 1 (Laptev and Ginsburg, "Fast Entropy-Based Methods of Word-Level Confidence Estimation for End-to-End Automatic
Speech Recognition", 2022; NeMo's `asr_confidence_utils`, method ``entropy_tsallis_exp``).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from auricle_server.engine.ops.inputs import ALPHA


def entropy_confidences(powers: npt.NDArray[np.float32], tokens: int) -> npt.NDArray[np.float32]:
    """Confidences from 0 (all tokens are equally likely) to 1 (only one is possible).

    Args:
        powers: Sum of the probabilities to the power of `ALPHA`, of any shape: from 1 to tokens ** (1 - ALPHA).
        tokens: Size of the vocabulary, blank included.
    """
    # What equally likely tokens give: their sum of powers is tokens ** (1 - ALPHA).
    least = np.exp((1 - tokens ** (1 - ALPHA)) / (1 - ALPHA))
    shares = (np.exp((1 - powers) / (1 - ALPHA)) - least) / (1 - least)
    confidences: npt.NDArray[np.float32] = shares.clip(0, 1).astype(np.float32)
    return confidences
