"""What a flush has reported is said once, and nothing else is held back."""

from __future__ import annotations

from auricle_server.stream.flush_dedup import LATE, WINDOW, FlushDedup
from auricle_server.text.vocabulary import vocabulary

PIECES = ("▁turn", "▁the", "▁lights", "▁light", "ing", ".", ",", "▁", "on", "<en-US>", "水", "▁on")
TURN, THE, LIGHTS, LIGHT, ING, STOP, COMMA, SPACE, ON, TAG, WATER, WORD_ON = range(len(PIECES))
CUT = 20


def after(reported: list[tuple[int, int]], tokens: list[tuple[int, int]]) -> list[int]:
    """Tokens that remain after a flush at frame 20; all given with their frames."""
    echo = FlushDedup(vocabulary(PIECES))
    echo.expect([token for token, _ in reported], [frame for _, frame in reported], CUT)
    return [token for token, _, _ in echo.new((token, frame, 1.0) for token, frame in tokens)]


def test_before_any_flush_everything_is_new() -> None:
    echo = FlushDedup(vocabulary(PIECES))
    tokens = [(ING, 3, 0.5), (STOP, 4, 0.9), (ING, 5, 0.1)]
    assert list(echo.new(tokens)) == tokens


def test_what_comes_again_is_dropped_and_what_follows_is_not() -> None:
    said = [(TURN, 15), (THE, 17), (LIGHTS, 19), (STOP, 22)]
    assert after(said, [(TURN, 15), (THE, 17), (LIGHTS, 20), (STOP, 25), (TURN, 40), (STOP, 44)]) == [TURN, STOP]


def test_the_same_word_said_again_is_new() -> None:
    assert after([(TURN, 19)], [(TURN, 19), (TURN, 24)]) == [TURN]
    assert after([(TURN, 12)], [(TURN, 12 + WINDOW + 1)]) == []
    assert after([], [(TURN, 21)]) == [TURN]


def test_another_version_of_the_last_word_replaces_it() -> None:
    assert after([(LIGHTS, 18), (STOP, 20)], [(LIGHT, 18), (ING, 21), (STOP, 24), (TURN, 30)]) == [TURN]
    assert after([(LIGHTS, 18)], [(LIGHT, CUT + WINDOW - 1), (THE, CUT + WINDOW - 1)]) == [THE]
    assert after([(LIGHTS, 18)], [(LIGHT, CUT + WINDOW)]) == [LIGHT]


def test_each_reported_word_stands_for_one() -> None:
    assert after([(TURN, 17), (LIGHTS, 19)], [(THE, 17), (LIGHT, 19), (WORD_ON, 22)]) == [WORD_ON]


def test_the_rest_of_a_word_begins_no_segment() -> None:
    assert after([(LIGHT, 19)], [(LIGHT, 19), (ING, CUT + LATE - 1), (TURN, 30)]) == [TURN]
    assert after([(LIGHT, 19)], [(LIGHT, 19), (ING, CUT + LATE)]) == [ING]
    assert after([(LIGHT, 18), (ING, 19)], [(LIGHT, 19), (ING, CUT + LATE), (ON, CUT + LATE + 1)]) == []


def test_a_piece_after_a_space_begins_a_word() -> None:
    assert after([(LIGHT, 19)], [(LIGHT, 19), (SPACE, 23), (ON, 23)]) == [SPACE, ON]


def test_scripts_without_spaces_go_on_at_once() -> None:
    assert after([(WATER, 19)], [(WATER, 19), (WATER, 23)]) == [WATER]


def test_late_marks_begin_no_segment_but_language_tags_pass() -> None:
    assert after([(LIGHTS, 19)], [(LIGHTS, 19), (COMMA, 29), (TAG, 29), (TURN, 30), (COMMA, 33)]) == [TAG, TURN, COMMA]


def test_a_tag_that_was_reported_is_dropped_wherever_it_comes_again() -> None:
    said = [(LIGHTS, 18), (STOP, 19), (TAG, 19)]
    assert after(said, [(LIGHTS, 18), (STOP, 25), (TAG, 29), (TURN, 33), (TAG, 36)]) == [TURN, TAG]


def test_a_tag_of_an_earlier_sentence_takes_no_reported_word_with_it() -> None:
    assert after([(LIGHTS, 18), (TAG, 19)], [(TAG, 16), (LIGHTS, 18), (TAG, 21)]) == [TAG]


def test_a_word_that_begins_in_the_silence_after_a_sentence_is_taken_for_an_error() -> None:
    echo = FlushDedup(vocabulary(PIECES))
    assert echo.count_spoken([TURN], [CUT], CUT) == 1  # the first word of all
    assert echo.count_spoken([TURN, STOP, THE, STOP], [11, 15, CUT, CUT], CUT) == 2
    assert echo.count_spoken([TURN, STOP, THE, STOP], [16, 17, CUT, CUT], CUT) == 4  # hardly a pause
    assert echo.count_spoken([TURN, THE], [11, CUT], CUT) == 2  # in mid-sentence
    assert echo.count_spoken([TURN, STOP, THE], [11, 15, CUT - 1], CUT) == 3  # before the flush
    assert list(echo.new([(TURN, 11, 1.0), (STOP, 15, 1.0)])) == [(TURN, 11, 1.0), (STOP, 15, 1.0)]
    assert echo.count_spoken([THE, STOP], [CUT, CUT], CUT) == 0


def test_a_flush_that_finds_nothing_new_leaves_what_the_one_before_has_reported() -> None:
    echo = FlushDedup(vocabulary(PIECES))
    echo.expect([LIGHTS], [19], CUT)
    echo.expect([], [], CUT)
    assert list(echo.new([(LIGHTS, 19, 1.0)])) == []
    echo.expect([], [], CUT + 9)
    assert list(echo.new([(LIGHTS, 30, 1.0)])) == [(LIGHTS, 30, 1.0)]
