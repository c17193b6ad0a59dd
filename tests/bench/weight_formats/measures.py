"""What a format changes: tokens, words, and the encoder's output."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from auricle_server.bench.models.blank_bias import STREAMS, projected_speech
from auricle_server.bench.models.random_vocabulary import WORD_START
from auricle_server.bench.transcripts import word_errors
from auricle_server.checkpoints.load import Checkpoint
from auricle_server.engine.engine import Engine
from auricle_server.engine.model.forward import Model
from auricle_server.engine.ops import portable_ops
from auricle_server.engine.weight_formats import WeightFormat
from tests.bench.finals.measures import words
from tests.bench.finals.talks import PausedTalk
from tests.bench.weight_formats.engines import AT_ONCE

CPU = torch.device("cpu")
Tokens = list[list[int]]


def decode(engine: Engine, spoken: Sequence[PausedTalk], latency_ms: int) -> Tokens:
    """Tokens of each talk; some talks share a batch."""
    found: Tokens = []
    for at in range(0, len(spoken), AT_ONCE):
        part = spoken[at : at + AT_ONCE]
        leases = [engine.open(latency_ms, engine.info.default_language) for _ in part]
        tokens: dict[int, list[int]] = {lease.id: [] for lease in leases}
        for lease, talk in zip(leases, part, strict=True):
            engine.push(lease, talk.pcm)
            engine.flush(lease, 0, last=True)
        while engine.ready:
            results, first = engine.step(), 0
            for lease_id, count in zip(results.leases.tolist(), results.counts.tolist(), strict=True):
                tokens[lease_id] += results.tokens[first : first + count].tolist()
                first += count
        found += [tokens[lease.id] for lease in leases]
    return found


@dataclass(frozen=True)
class FormatFigures:
    """Tokens of a format against those of fp32, and its words against what was said.

    Attributes:
        tokens: Tokens of fp32.
        changed: Insertions, deletions and substitutions among them.
        said: Words that were said.
        errors: Word errors.
    """

    tokens: int
    changed: int
    said: int
    errors: int

    @classmethod
    def of(cls, pieces: Sequence[str], spoken: Sequence[PausedTalk], found: Tokens, exact: Tokens) -> FormatFigures:
        """The figures of all talks."""
        changed = said = errors = 0
        for talk, own, reference in zip(spoken, found, exact, strict=True):
            changed += word_errors([*map(str, own)], [*map(str, reference)])
            wanted = words(" ".join(part.text for part in talk.parts))
            text = "".join(pieces[token] for token in own).replace(WORD_START, " ")
            said, errors = said + len(wanted), errors + word_errors(wanted, words(text))
        return cls(sum(map(len, exact)), changed, said, errors)

    def record(self) -> dict[str, float]:
        """For the report."""
        return {
            "tokens": self.tokens,
            "changed": self.changed,
            "changed_percent": 100 * self.changed / max(1, self.tokens),
            "words": self.said,
            "wer_percent": 100 * self.errors / max(1, self.said),
        }


class EncoderError:
    """Relative error (L2) of the encoder's output as the joint gets it, against fp32, in the largest chunks."""

    def __init__(self, checkpoint: Checkpoint) -> None:
        self._checkpoint = checkpoint
        self._exact = self._output(WeightFormat.FLOAT32)

    def of(self, weights: WeightFormat) -> float:
        """The error of a model that is built now with this format."""
        return float((self._output(weights) - self._exact).norm() / self._exact.norm())

    def _output(self, weights: WeightFormat) -> torch.Tensor:
        with torch.inference_mode():
            model = Model(self._checkpoint, STREAMS, CPU, torch.float32, portable_ops(), False, weights)
            return torch.cat(projected_speech(model, self._checkpoint))
