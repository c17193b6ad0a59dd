"""Words without voice and without confidence are dropped, all others pass in their order."""

from __future__ import annotations

from statistics import fmean

import pytest

from auricle_server.stream.hold_back import BEFORE, COMPLETE, HoldBack, QuietRuns
from auricle_server.stream.transcript import Transcript
from auricle_server.text.byte_pieces import Token
from auricle_server.text.vocabulary import vocabulary

PIECES = ("▁yes", "▁no", "thing", ".", "▁", "<en-US>", "▁stop")
YES, NO, THING, STOP, SPACE, TAG, WORD = range(7)
QUIET, VOICE = 0.1, 0.9


def runs(*chunks: tuple[int, float | None]) -> QuietRuns:
    made = QuietRuns(0.3)
    for frame, peak in chunks:
        made.add(frame, peak)
    return made


def hold(made: QuietRuns) -> HoldBack:
    return HoldBack(made, vocabulary(PIECES), fmean, 0.5)


def token(piece: int, frame: int, confidence: float) -> Token:
    return piece, frame, 0.9, confidence


def test_runs_of_quiet_chunks_join() -> None:
    made = runs((2, QUIET), (4, QUIET), (6, VOICE), (8, QUIET), (10, None), (12, QUIET))
    assert made.covers(0, 3)
    assert made.covers(6, 7)
    assert made.covers(10, 11)
    for first, last in ((3, 4), (4, 5), (5, 6), (8, 8), (0, 11), (11, 12)):
        assert not made.covers(first, last)


def test_forgotten_runs_hold_nothing_back() -> None:
    made = runs((20, QUIET), (22, VOICE), (30, QUIET))
    made.forget(22)
    assert not made.covers(3, 4)
    assert made.covers(22, 29)


def test_before_the_stream_there_is_no_voice() -> None:
    assert runs((4, QUIET)).covers(-BEFORE, 3)


@pytest.mark.parametrize(
    ("peak", "confidence", "passes"), [(VOICE, 0.1, True), (QUIET, 0.9, True), (QUIET, 0.1, False)]
)
def test_both_witnesses_must_doubt_a_word(peak: float, confidence: float, passes: bool) -> None:
    filtered = hold(runs((40, peak)))
    found = [*filtered.passed([token(YES, 30, confidence)]), *filtered.decided()]
    assert bool(found) == passes
    assert filtered.dropped == (not passes)


def test_a_word_in_voice_does_not_wait() -> None:
    assert len(list(hold(runs((40, VOICE))).passed([token(YES, 30, 0.1)]))) == 1


def test_a_word_is_judged_by_all_its_tokens_and_goes_with_its_marks() -> None:
    filtered = hold(runs((40, QUIET)))
    doubtful = [token(NO, 30, 0.9), token(THING, 31, 0.0), token(STOP, 32, 0.9)]
    sure = [token(YES, 34, 0.9), token(STOP, 35, 0.9)]
    assert list(filtered.passed([*doubtful, *sure])) == []
    assert list(filtered.decided()) == sure
    assert filtered.dropped == 1


def test_a_word_is_complete_after_some_frames_without_a_token() -> None:
    filtered = hold(runs((40, QUIET)))
    assert list(filtered.passed([token(YES, 30, 0.9)])) == []
    assert list(filtered.after(30 + COMPLETE)) == []
    assert list(filtered.after(31 + COMPLETE)) == [token(YES, 30, 0.9)]
    assert list(filtered.after(50)) == []


def test_tags_and_spaces_are_no_words_and_end_one() -> None:
    filtered = hold(runs((40, QUIET)))
    passing = [token(TAG, 29, 0.1), token(SPACE, 29, 0.1)]
    assert list(filtered.passed(passing)) == passing
    assert list(filtered.passed([token(YES, 30, 0.9), token(TAG, 31, 0.1)])) == [
        token(YES, 30, 0.9),
        token(TAG, 31, 0.1),
    ]


def made(peak: float) -> Transcript:
    return Transcript(PIECES, 1280, quiet=runs((40, peak)), doubtful=0.5)


def test_a_transcript_without_a_voice_has_only_the_words_that_the_decoder_is_sure_of() -> None:
    transcript = made(QUIET)
    transcript.add((YES, NO, STOP), (30, 33, 34), (0.9, 0.9, 0.9), confidences=(0.9, 0.1, 0.9))
    assert transcript.text == "yes"
    transcript.decide_held_back(40)
    assert (transcript.text, transcript.speech_end, transcript.cut().text) == ("yes", 31 * 1280, "yes")


def test_a_cut_decides_a_word_that_is_held_back() -> None:
    transcript = made(QUIET)
    transcript.add((YES,), (38,), (0.9,), confidences=(0.9,))
    assert transcript.text == ""
    assert transcript.cut().text == "yes"


def test_a_word_that_a_flush_has_dropped_does_not_come_with_the_chunk_after_it() -> None:
    transcript = made(QUIET)
    transcript.add((YES,), (38,), (0.9,), 39, confidences=(0.1,))
    transcript.decide_held_back()
    transcript.add((YES,), (38,), (0.9,), confidences=(0.6,))
    transcript.decide_held_back(60)
    assert transcript.cut().text == ""
