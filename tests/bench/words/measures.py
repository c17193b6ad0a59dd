"""How far times are from the truth, and whether confidences are what they say."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize
from scipy.stats import rankdata

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

BINS = 10
_LEAST = 1e-6


def spread(seconds: Floats) -> dict[str, float]:
    """Absolute errors in milliseconds."""
    size = np.abs(seconds) * 1000
    mean, median, p90 = size.mean(), np.median(size), np.percentile(size, 90)
    return {"mean": round(float(mean), 1), "median": round(float(median), 1), "p90": round(float(p90), 1)}


def platt(scores: Floats, right: Bools) -> tuple[float, float]:
    """Slope and offset of the logistic function that makes scores likeliest (Platt, 1999)."""
    sign = np.where(right, 1.0, -1.0)

    def loss(parameters: Floats) -> float:
        return float(np.logaddexp(0, -(parameters[0] * scores + parameters[1]) * sign).mean())

    slope, offset = minimize(loss, [1.0, 0.0]).x
    return float(slope), float(offset)


def area(scores: Floats, right: Bools) -> float:
    """Under the ROC curve: how often a right word has the higher score of a right and a wrong one."""
    ranks, many = rankdata(scores), int(right.sum())
    return float((ranks[right].sum() - many * (many + 1) / 2) / (many * (len(right) - many)))


def reliability(scores: Floats, right: Bools) -> list[dict[str, float]]:
    """Of each tenth of the range that has words: how many, their mean score, and the share of them that is right."""
    edges = np.linspace(0, 1, BINS + 1)
    rows = []
    for low, high in pairwise(edges):
        inside = (scores >= low) & ((scores < high) | (high == 1.0))
        if inside.any():
            rows.append(
                {
                    "words": int(inside.sum()),
                    "score": float(scores[inside].mean()),
                    "right": float(right[inside].mean()),
                }
            )
    return rows


def calibration_error(scores: Floats, right: Bools) -> float:
    """Expected calibration error: mean distance of score and share of right words, over tenths of the range."""
    rows = reliability(scores, right)
    return sum(row["words"] * abs(row["score"] - row["right"]) for row in rows) / len(scores)


def quality(scores: Floats, right: Bools) -> dict[str, float]:
    """ECE, Brier score, normalised cross entropy (1: all known, 0: no more than the share of right words) and AUC."""
    sure, share = scores.clip(_LEAST, 1 - _LEAST), right.mean()
    told = -np.where(right, np.log(sure), np.log(1 - sure)).mean()
    known = -(share * np.log(share) + (1 - share) * np.log(1 - share))
    return {
        "ece": round(calibration_error(scores, right), 4),
        "brier": round(float(((scores - right) ** 2).mean()), 4),
        "nce": round(float((known - told) / known), 4),
        "auc": round(area(scores, right), 4),
    }
