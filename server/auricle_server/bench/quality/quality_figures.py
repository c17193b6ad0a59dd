"""The figures of many recordings under one setting, and of two settings side by side. Does no I/O."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from auricle_server.bench.quality.bootstrap import Estimate, error_rate, rate_difference
from auricle_server.bench.quality.clip_scores import ClipScore
from auricle_server.bench.report.summaries import Spread


@dataclass(frozen=True, slots=True)
class Share:
    """So many of so many."""

    count: int
    of: int


@dataclass(frozen=True, slots=True)
class WordFigures:
    """Errors of words and characters.

    Attributes:
        recordings: Number of recordings with a text.
        words: Words of the references.
        word_errors: Word error rate in percent; None without a word.
        character_errors: Character error rate in percent; None without a character.
        substitutions: Words recognised as others.
        deletions: Words left out.
        insertions: Words put in.
    """

    recordings: int
    words: int
    word_errors: Estimate | None
    character_errors: Estimate | None
    substitutions: int
    deletions: int
    insertions: int


@dataclass(frozen=True, slots=True)
class QualityFigures:
    """All figures of a setting. Times are in seconds.

    Attributes:
        all: Over all recordings.
        languages: By the code of the language, where there are several.
        lost_at_starts: Words deleted before the first right word.
        lost_at_ends: Words deleted after the last right word.
        recordings_cut_at_start: Recordings that lose a word at their start.
        recordings_cut_at_end: Recordings that lose a word at their end.
        first_word_wrong: Recordings whose first word is not right.
        last_word_wrong: Recordings whose last word is not right.
        empty: Recordings in which something was said and nothing recognised.
        in_silence: Words put in where nobody speaks, of the recordings for which that is known.
        closing_marks: Transcripts that end with a sentence's mark, of the references that do.
        finalize_to_final: From the finalize after the last sample to its final; None unless in real time.
        speech_to_final: From the end of speech to the last final; None unless in real time.
        turn_ends: Number of turn ends before the ends of the recordings.
        turn_end_after_speech: Audio from the end of speech to the decision.
        turn_ends_before_more_speech: Turn ends after which somebody speaks on in the recording.
        turn_ends_in_speech: Those that fall into speech.
        language_wrong: Recordings whose language was named wrongly, of those whose language was to be found out.
        audio_seconds: Length of all recordings.
        real_time_factor: Seconds of the run, with all its streams, for a second of audio; None in real time.
    """

    all: WordFigures
    languages: Mapping[str, WordFigures]
    lost_at_starts: int
    lost_at_ends: int
    recordings_cut_at_start: Share
    recordings_cut_at_end: Share
    first_word_wrong: Share
    last_word_wrong: Share
    empty: Share
    in_silence: Share
    closing_marks: Share
    finalize_to_final: Spread | None
    speech_to_final: Spread | None
    turn_ends: int
    turn_end_after_speech: Spread
    turn_ends_before_more_speech: int
    turn_ends_in_speech: int
    language_wrong: Share
    audio_seconds: float
    real_time_factor: float | None


def word_figures(scores: Sequence[ClipScore]) -> WordFigures:
    """Errors of some recordings. Words put in where nothing is said count as errors too."""
    deletions, insertions = (sum(getattr(score, kind) for score in scores) for kind in ("deletions", "insertions"))
    errors, words = [score.errors for score in scores], [len(score.reference) for score in scores]
    return WordFigures(
        recordings=sum(bool(count) for count in words),
        words=sum(words),
        word_errors=error_rate(errors, words),
        character_errors=error_rate(
            [score.character_errors for score in scores], [score.character_count for score in scores]
        ),
        substitutions=sum(errors) - deletions - insertions,
        deletions=deletions,
        insertions=insertions,
    )


def quality_figures(scores: Sequence[ClipScore], wall_seconds: float, *, realtime: bool) -> QualityFigures:
    """The figures of recordings under one setting.

    Args:
        scores: One for each recording.
        wall_seconds: Time of the whole run.
        realtime: Whether the audio was sent at the speed of speech.
    """
    spoken = [score for score in scores if score.reference]
    located = [score.words_in_silence for score in scores if score.words_in_silence is not None]
    ended = [score for score in spoken if score.has_closing_mark]
    named = [score.language_right for score in scores if score.language_right is not None]
    early = [score.early_turn_ends for score in scores]
    seconds = sum(score.clip.seconds for score in scores)
    return QualityFigures(
        all=word_figures(scores),
        languages=_by_language(scores),
        lost_at_starts=sum(score.lost_at_start for score in spoken),
        lost_at_ends=sum(score.lost_at_end for score in spoken),
        recordings_cut_at_start=_share(spoken, lambda score: score.lost_at_start > 0),
        recordings_cut_at_end=_share(spoken, lambda score: score.lost_at_end > 0),
        first_word_wrong=_share(spoken, lambda score: not score.first_word_right),
        last_word_wrong=_share(spoken, lambda score: not score.last_word_right),
        empty=_share(spoken, lambda score: score.is_empty),
        in_silence=Share(sum(located), len(located)),
        closing_marks=_share(ended, lambda score: score.is_closed),
        finalize_to_final=Spread.of([score.found.finalize_seconds for score in scores]) if realtime else None,
        speech_to_final=_spread(score.final_after_speech for score in spoken) if realtime else None,
        turn_ends=sum(len(score.found.turn_ends) for score in scores),
        turn_end_after_speech=_spread(score.turn_end_after_speech for score in spoken),
        turn_ends_before_more_speech=sum(count for count, _ in early),
        turn_ends_in_speech=sum(inside for _, inside in early),
        language_wrong=Share(named.count(False), len(named)),
        audio_seconds=seconds,
        real_time_factor=None if realtime or not seconds else wall_seconds / seconds,
    )


def word_error_difference(first: Sequence[ClipScore], second: Sequence[ClipScore]) -> Estimate | None:
    """Word error rate of the second setting minus that of the first, over the same recordings in the same order."""
    return rate_difference(
        [score.errors for score in first], [score.errors for score in second], [len(score.reference) for score in first]
    )


def _by_language(scores: Sequence[ClipScore]) -> dict[str, WordFigures]:
    codes = sorted({score.language or "unknown" for score in scores})
    if len(codes) < 2:
        return {}
    return {code: word_figures([score for score in scores if (score.language or "unknown") == code]) for code in codes}


def _share(scores: Sequence[ClipScore], holds: Callable[[ClipScore], bool]) -> Share:
    return Share(sum(map(holds, scores)), len(scores))


def _spread(values: Iterable[float | None]) -> Spread:
    return Spread.of([value for value in values if value is not None])
