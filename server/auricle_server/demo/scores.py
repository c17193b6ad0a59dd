"""Word error rates and delays of a track. Does no I/O."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median

from auricle_server.demo.programme import ScriptedUtterance
from auricle_server.demo.track import CaptionEvent, CaptionKind, Track
from auricle_server.text.alignment import align

MAX_WORD_ERROR_RATE = 0.4
"""Highest word error rate of a stream with which the demo passes. The bundled model has about 25 % on these clips (see
its README); a stream that loses words has far more."""


@dataclass(frozen=True, slots=True)
class TrackScore:
    """The result of one stream for one utterance.

    Attributes:
        reference: The spoken text.
        hypothesis: All finals of the utterance, joined.
        errors: Substituted, deleted and inserted words.
        words: Words of the reference.
        final_delay: Seconds from the true end of speech to the last final; None without one.
        turn_delay: Seconds from the true end of speech to the last turn end; None without one.
        turn_ends: Number of turn ends; more than one means a false cut-off.
    """

    reference: str
    hypothesis: str
    errors: int
    words: int
    final_delay: float | None
    turn_delay: float | None
    turn_ends: int

    @property
    def word_error_rate(self) -> float:
        """Errors per word of the reference."""
        return self.errors / self.words


@dataclass(frozen=True, slots=True)
class ScoreTable:
    """The result of one stream for all utterances; delays are medians in seconds, None without a value."""

    adapter: str
    latency_ms: int
    word_error_rate: float
    final_delay: float | None
    turn_delay: float | None


def score_track(track: Track) -> list[TrackScore]:
    """Scores every utterance of the track's programme."""
    owned: list[list[CaptionEvent]] = [[] for _ in track.programme.utterances]
    for caption in track.captions:
        owned[track.programme.utterance_at(caption.at)].append(caption)
    return [_score(utterance, captions) for utterance, captions in zip(track.programme.utterances, owned, strict=True)]


def _score(utterance: ScriptedUtterance, captions: Sequence[CaptionEvent]) -> TrackScore:
    finals = [each for each in captions if each.kind is CaptionKind.FINAL]
    turns = [each for each in captions if each.kind is CaptionKind.TURN_END]
    hypothesis = " ".join(each.text for each in finals if each.text)
    errors, words = count_errors(utterance.text, hypothesis)
    return TrackScore(
        reference=utterance.text,
        hypothesis=hypothesis,
        errors=errors,
        words=words,
        final_delay=finals[-1].at - utterance.speech_end if finals else None,
        turn_delay=turns[-1].at - utterance.speech_end if turns else None,
        turn_ends=len(turns),
    )


def count_errors(reference: str, hypothesis: str) -> tuple[int, int]:
    """Number of word errors and of words of the reference; case and punctuation are ignored."""
    said = _plain(reference)
    return sum(not pair.equal for pair in align(said, _plain(hypothesis))), len(said)


def wrong_tokens(reference: str, hypothesis: str) -> set[int]:
    """Indices of the hypothesis's space-separated tokens with a wrong or an inserted word."""
    owners = [index for index, token in enumerate(hypothesis.split()) for _ in _plain(token)]
    pairs = align(_plain(reference), _plain(hypothesis))
    return {owners[pair.hypothesis] for pair in pairs if pair.hypothesis is not None and not pair.equal}


def _plain(text: str) -> list[str]:
    return re.sub(r"[^\w\s']", " ", text.lower()).split()


def summarise(track: Track, scores: Sequence[TrackScore]) -> ScoreTable:
    """Sums up the scores of a stream."""
    return ScoreTable(
        track.adapter,
        track.latency_ms,
        sum(score.errors for score in scores) / sum(score.words for score in scores),
        _median(score.final_delay for score in scores),
        _median(score.turn_delay for score in scores),
    )


def _median(delays: Iterable[float | None]) -> float | None:
    known = [delay for delay in delays if delay is not None]
    return median(known) if known else None


def shortcomings(track: Track, scores: Sequence[TrackScore]) -> list[str]:
    """Reasons why the demo fails; empty when it passes."""
    name = f"{track.adapter} at {track.latency_ms} ms"
    problems = [f"{name}: {track.failure}"] if track.failure else []
    problems += [f"{name}: no turn end after “{each.reference}”" for each in scores if not each.turn_ends]
    rate = summarise(track, scores).word_error_rate
    if rate > MAX_WORD_ERROR_RATE:
        problems.append(f"{name}: word error rate {rate:.0%}, the limit is {MAX_WORD_ERROR_RATE:.0%}")
    return problems
