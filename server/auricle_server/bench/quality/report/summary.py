"""The columns of an evaluation in words: the same for the terminal and for the page. Does no I/O."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from auricle_server.bench.quality.bootstrap import Estimate
from auricle_server.bench.quality.comparison import PairedDifference
from auricle_server.bench.quality.quality_figures import QualityFigures, Share
from auricle_server.bench.quality.setting_run import EvaluationRow, describe
from auricle_server.bench.report.summaries import Spread

Column = tuple[str, Callable[[EvaluationRow], str]]

NONE = "–"
_CURES = "Cures"


def words_columns(rows: Sequence[EvaluationRow]) -> list[Column]:
    """Word and character errors."""
    return [
        *setting_columns(rows),
        ("Recordings", lambda row: f"{row.figures.all.recordings}"),
        ("Words", lambda row: f"{row.figures.all.words:,}"),
        ("WER (95 %)", lambda row: estimate(row.figures.all.word_errors)),
        ("CER (95 %)", lambda row: estimate(row.figures.all.character_errors)),
        ("Sub / del / ins", _edits),
    ]


def ends_columns(rows: Sequence[EvaluationRow]) -> list[Column]:
    """What is lost at the starts and ends of recordings."""
    return [
        *setting_columns(rows),
        ("Lost at starts", lambda row: _lost(row.figures.lost_at_starts, row.figures.recordings_cut_at_start)),
        ("Lost at ends", lambda row: _lost(row.figures.lost_at_ends, row.figures.recordings_cut_at_end)),
        ("First word wrong", lambda row: share(row.figures.first_word_wrong)),
        ("Last word wrong", lambda row: share(row.figures.last_word_wrong)),
        ("Empty", lambda row: share(row.figures.empty)),
        ("Closing marks", lambda row: share(row.figures.closing_marks)),
    ]


def behaviour_columns(rows: Sequence[EvaluationRow]) -> list[Column]:
    """What else a voice agent notices: words in silence, turn ends and delays."""
    columns: list[Column] = [
        *setting_columns(rows),
        ("Words in silence", lambda row: _silence(row.figures.in_silence)),
        ("Turn ends: all / before more speech / in speech", _turn_ends),
        ("Turn end after speech p50 / p95", lambda row: spread(row.figures.turn_end_after_speech)),
    ]
    if any(row.figures.language_wrong.of for row in rows):
        columns.append(("Language wrong", lambda row: share(row.figures.language_wrong)))
    if any(row.figures.finalize_to_final for row in rows):
        columns.append(("Finalize to final p50 / p95", lambda row: spread(row.figures.finalize_to_final)))
        columns.append(("Speech to final p50 / p95", lambda row: spread(row.figures.speech_to_final)))
    if any(row.figures.real_time_factor is not None for row in rows):
        columns.append(("Real-time factor", _factor))
    return columns


def setting_columns(rows: Sequence[EvaluationRow]) -> list[Column]:
    """What tells the rows apart: the system and its cures only where they differ."""
    columns: list[Column] = []
    if len({row.system.name for row in rows}) > 1:
        columns.append(("System", lambda row: row.system.name))
    if len({row.system.cures for row in rows}) > 1:
        columns.append((_CURES, lambda row: row.system.cures or NONE))
    return [*columns, ("Setting", lambda row: describe(row.mode, row.latency_ms))]


def language_rows(rows: Sequence[EvaluationRow]) -> list[list[str]]:
    """Setting, language, recordings, words, WER and CER of each language, where a row has several."""
    return [
        [
            label(row, rows),
            code,
            f"{part.recordings}",
            f"{part.words:,}",
            estimate(part.word_errors),
            estimate(part.character_errors),
        ]
        for row in rows
        for code, part in row.figures.languages.items()
    ]


def comparison_rows(rows: Sequence[EvaluationRow], pairs: Sequence[PairedDifference]) -> list[list[str]]:
    """Setting, compared with which, recordings, difference and verdict."""
    return [
        [
            label(rows[pair.second], rows),
            label(rows[pair.first], rows),
            f"{pair.recordings}",
            signed(pair.difference),
            _verdict(pair),
        ]
        for pair in pairs
    ]


LANGUAGE_HEAD = "Setting", "Language", "Recordings", "Words", "WER (95 %)", "CER (95 %)"
COMPARISON_HEAD = "Setting", "Compared with", "Recordings", "WER difference (95 %), points", "Verdict"


def label(row: EvaluationRow, rows: Sequence[EvaluationRow]) -> str:
    """What tells a row from the others, in one phrase."""
    cells = [(head, cell(row)) for head, cell in setting_columns(rows)]
    return ", ".join(f"cures {text}" if head == _CURES else text for head, text in cells if text != NONE)


def remarks(rows: Sequence[EvaluationRow]) -> list[str]:
    """What was left out or failed, a sentence for each."""
    found = []
    for row in rows:
        if row.unoffered:
            left_out = ", ".join(f"{count} in {language}" for language, count in row.unoffered.items())
            found.append(f"{label(row, rows)}: {row.model} does not offer the language of some recordings: {left_out}.")
        if row.failures:
            first = next(iter(row.failures.values()))
            found.append(f"{label(row, rows)}: {len(row.failures)} recordings failed, the first with: {first}")
    return found


def estimate(value: Estimate | None) -> str:
    """A rate with its interval, in percent."""
    return NONE if value is None else f"{value.value:.1f} % ({value.low:.1f}–{value.high:.1f})"


def signed(value: Estimate) -> str:
    """A difference with its interval."""
    return f"{value.value:+.1f} ({value.low:+.1f} to {value.high:+.1f})"


def share(part: Share) -> str:
    """So many of so many."""
    return f"{part.count} of {part.of}" if part.of else NONE


def spread(values: Spread | None) -> str:
    """Median and 95th percentile, in seconds."""
    return NONE if values is None or not values.count else f"{values.p50:.2f} / {values.p95:.2f} s"


def _edits(row: EvaluationRow) -> str:
    words = row.figures.all
    return f"{words.substitutions} / {words.deletions} / {words.insertions}"


def _lost(words: int, recordings: Share) -> str:
    return f"{words} in {recordings.count}"


def _silence(part: Share) -> str:
    return f"{part.count} in {part.of}" if part.of else NONE


def _turn_ends(row: EvaluationRow) -> str:
    figures: QualityFigures = row.figures
    return f"{figures.turn_ends} / {figures.turn_ends_before_more_speech} / {figures.turn_ends_in_speech}"


def _factor(row: EvaluationRow) -> str:
    factor = row.figures.real_time_factor
    return NONE if factor is None else f"{factor:.3f}"


def _verdict(pair: PairedDifference) -> str:
    if not pair.is_clear:
        return "no clear difference"
    return "more errors" if pair.difference.value > 0 else "fewer errors"
