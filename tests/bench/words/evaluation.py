"""A model's figures at one latency setting, and the calibration that its talks ask for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import prod
from statistics import fmean
from typing import Any

import numpy as np

from auricle.protocol.server_messages import Word
from auricle_server.text.alignment import align
from auricle_server.text.calibration import RAW, WordCalibration, geometric_mean
from tests.bench.words.measures import Bools, Floats, area, platt, quality, reliability, spread
from tests.bench.words.recognition import ModelSetting, TalkTokens
from tests.bench.words.talks import TimedWord, WordTalk, plain

MEANS: dict[str, Callable[[Sequence[float]], float]] = {
    "least": min,
    "mean": fmean,
    "geometric mean": geometric_mean,
    "product": prod,
}
"""Of a word's tokens."""


@dataclass(frozen=True)
class WordPair:
    """A word that was heard, and the word that it says, if it is right."""

    word: Word
    said: TimedWord | None


@dataclass(frozen=True)
class Sample:
    """All talks at one latency setting."""

    listener: ModelSetting
    talks: Sequence[WordTalk]
    tokens: Sequence[TalkTokens]

    def pairs(self, calibration: WordCalibration) -> list[list[WordPair]]:
        """The words of each talk."""
        return [
            _pairs(talk, self.listener.words(found, calibration))
            for talk, found in zip(self.talks, self.tokens, strict=True)
        ]

    def scores(self, *, entropy: bool) -> list[list[float]]:
        """Those of the tokens of each word, in the order of `pairs`."""
        return [word for found in self.tokens for word in self.listener.scores(found, entropy=entropy)]


def _pairs(talk: WordTalk, words: Sequence[Word]) -> list[WordPair]:
    # A word that is all punctuation has no text left; the hyphen keeps its place.
    pairs = align([word.text for word in talk.words], [plain(word.text) or "-" for word in words])
    right = {pair.hypothesis: pair.reference for pair in pairs if pair.equal}
    found = [right.get(index) for index in range(len(words))]
    return [WordPair(word, None if at is None else talk.words[at]) for word, at in zip(words, found, strict=True)]


def errors(pairs: Sequence[Sequence[WordPair]]) -> tuple[Floats, Floats]:
    """Seconds by which starts and ends of right words come too late."""
    right = [(pair.word, pair.said) for talk in pairs for pair in talk if pair.said is not None]
    starts = np.array([word.start - said.start for word, said in right])
    return starts, np.array([word.end - said.end for word, said in right])


def is_right(pairs: Sequence[Sequence[WordPair]]) -> Bools:
    """Of each heard word, whether it was said."""
    return np.array([pair.said is not None for talk in pairs for pair in talk])


def calibrated(samples: Sequence[Sample]) -> WordCalibration:
    """Median delays at each latency setting, and one logistic function for all."""
    delays, scores, right = [], list[float](), []
    for sample in samples:
        pairs = sample.pairs(RAW)
        starts, ends = errors(pairs)
        start, end = (round(1000 * float(np.median(each)), 1) for each in (starts, ends))
        delays.append((sample.listener.latency_ms, start, end))
        scores += [geometric_mean(each) for each in sample.scores(entropy=True)]
        right.append(is_right(pairs))
    slope, offset = platt(np.array(scores), np.concatenate(right))
    return WordCalibration(tuple(delays), (round(slope, 3), round(offset, 3)))


def figures(sample: Sample, calibration: WordCalibration) -> dict[str, Any]:
    """Errors of times and quality of confidences, without the calibration and with it."""
    raw, told = sample.pairs(RAW), sample.pairs(calibration)
    right = is_right(raw)
    entropy = np.array([geometric_mean(each) for each in sample.scores(entropy=True)])
    probability = np.array([prod(each) for each in sample.scores(entropy=False)])
    confidence = np.array([pair.word.confidence for talk in told for pair in talk])
    starts, ends = zip(errors(raw), errors(told), strict=True)
    return {
        "said": sum(len(talk.words) for talk in sample.talks),
        "heard": len(right),
        "right": round(float(right.mean()), 4),
        "start_ms": {"before": spread(starts[0]), "after": spread(starts[1])},
        "end_ms": {"before": spread(ends[0]), "after": spread(ends[1])},
        "confidence": {
            "probability": quality(probability, right),
            "entropy": quality(entropy, right),
            "calibrated": quality(confidence, right),
        },
        "reliability": {"probability": reliability(probability, right), "calibrated": reliability(confidence, right)},
        "auc": {
            "entropy": areas(sample.scores(entropy=True), right),
            "probability": areas(sample.scores(entropy=False), right),
        },
        "talks": talks_told(told),
    }


def areas(scores: Sequence[Sequence[float]], right: Bools) -> dict[str, float]:
    """Under the ROC curve, by what is made of a word's tokens."""
    return {name: round(area(np.array(list(map(mean, scores))), right), 4) for name, mean in MEANS.items()}


def talks_told(pairs: Sequence[Sequence[WordPair]]) -> dict[str, float]:
    """Of whole talks as segments: how far the expected share of right words is from the true one."""
    spoken = [talk for talk in pairs if talk]
    expected = np.array([fmean(pair.word.confidence for pair in talk) for talk in spoken])
    true = np.array([fmean(pair.said is not None for pair in talk) for talk in spoken])
    return {
        "mean_error": round(float(np.abs(expected - true).mean()), 4),
        "correlation": round(float(np.corrcoef(expected, true)[0, 1]), 4),
    }
