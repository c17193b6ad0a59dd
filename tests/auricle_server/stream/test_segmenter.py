"""The open segment and the open turn, one result at a time."""

from __future__ import annotations

from typing import Any

import pytest

from auricle.protocol.client_messages import Start
from auricle.protocol.server_messages import Final, Interim, Settled, SpeechStarted, TurnEagerEnd, TurnEnd
from auricle.protocol.settings import TurnSettings
from auricle_server.ipc.columns import ChunkResult
from auricle_server.stream.segment_end import (
    LONGEST_SEGMENT,
    FlushReason,
    PendingFlush,
    SegmentEnd,
    is_too_long,
    middle_of_silence,
)
from auricle_server.stream.segmenter import BETWEEN_WORDS, SETTLED_EVERY, SETTLED_MARGIN, Segmenter
from auricle_server.turns import TurnEnded
from tests.auricle_server.gateway.leases import INFO, ONE, TWO

FRAME = 1280


def segmenter(**start: Any) -> Segmenter:
    return Segmenter(INFO, Start(**{"turn": TurnSettings(mode="silence", silence_ms=320), **start}))


def add(segments: Segmenter, frames: int, *tokens: int) -> TurnEnded | None:
    """A result at the end of so many frames, its tokens emitted in the last of them."""
    at, sure = (frames - 1,) * len(tokens), (0.9,) * len(tokens)
    return segments.add(ChunkResult(1, frames * FRAME, tokens, at, sure, sure), None)[1]


def test_speech_starts_with_the_first_word_and_interims_grow() -> None:
    segments = segmenter()
    events, end = segments.add(ChunkResult(1, FRAME, (ONE,), (0,), (0.9,), (0.9,)), None)
    assert events == [SpeechStarted(audio_time=0.08, start=0.0)]
    assert end is None
    [interim] = segments.continue_segment()
    assert isinstance(interim, Interim)
    assert (interim.text, interim.language) == ("one", "en-US")
    add(segments, 2)
    assert segments.continue_segment() == [], "a chunk without words has no interim"


def test_a_turn_that_ends_ends_its_segment() -> None:
    segments = segmenter()
    add(segments, 1, ONE)
    end = add(segments, 5)
    assert end == TurnEnded()
    assert segments.turn_ended_at == 5 * FRAME
    decided = segments.decide(end, quiet=True)
    assert decided == SegmentEnd(5 * FRAME, 3 * FRAME, end=end)
    final, turn_end = segments.end_segment(decided)
    assert isinstance(final, Final)
    assert isinstance(turn_end, TurnEnd)
    assert (final.text, turn_end.text, final.settled) == ("one", "one", 3 * 0.08)
    assert not segments.over


def test_an_eager_end_is_sent_once_and_its_text_is_that_of_the_turn() -> None:
    segments = segmenter(turn=TurnSettings(mode="silence", silence_ms=640, eager_silence_ms=160))
    add(segments, 1, ONE)
    segments.continue_segment()
    add(segments, 3)
    [eager] = segments.continue_segment()
    assert isinstance(eager, TurnEagerEnd)
    assert eager.text == "one"
    add(segments, 4)
    assert segments.continue_segment() == []


def test_each_further_finalize_gets_an_empty_final() -> None:
    segments = segmenter(turn=TurnSettings(mode="off"))
    add(segments, 1, ONE)
    flush = PendingFlush(FlushReason.FINALIZE, FRAME, ["a", "b"])
    finals = segments.end_segment(SegmentEnd(FRAME, FRAME, 1, flush))
    assert [(final.finalize_id, final.text) for final in finals if isinstance(final, Final)] == [
        ("a", "one"),
        ("b", ""),
    ]


def test_the_answer_to_the_end_closes_the_turn() -> None:
    segments = segmenter()
    add(segments, 1, ONE)
    end = SegmentEnd(FRAME, FRAME, 1, PendingFlush(FlushReason.END, FRAME, []))
    assert [type(event) for event in segments.end_segment(end)] == [Final, TurnEnd]
    assert segments.over


def test_a_segment_that_grows_too_long_ends_without_its_turn() -> None:
    segments = segmenter(turn=TurnSettings(mode="silence", silence_ms=4000))
    add(segments, 1, ONE)
    frames = LONGEST_SEGMENT // FRAME + 1
    add(segments, frames, TWO)
    assert segments.decide(None, quiet=False) is None
    add(segments, frames + 1)
    decided = segments.decide(None, quiet=True)
    assert decided is not None
    assert [type(event) for event in segments.end_segment(decided)] == [Final]


def drained(segments: Segmenter) -> SegmentEnd | None:
    return segments.end_by_flush(1, PendingFlush(FlushReason.DRAIN, 0, []), None)


def test_a_stream_splits_between_words_only() -> None:
    assert drained(segmenter()) is None, "there are no words"
    segments = segmenter()
    add(segments, 1, ONE)
    assert drained(segments) is None, "the word may go on"
    assert segments.over
    segments = segmenter()
    add(segments, 1, ONE)
    add(segments, 2 + BETWEEN_WORDS // FRAME)
    end = drained(segments)
    assert end is not None
    assert [type(event) for event in segments.end_segment(end)] == [Final]


def test_who_speaks_on_while_the_server_goes_gets_all_but_the_word_that_may_grow() -> None:
    segments = segmenter()
    add(segments, 1, ONE)
    add(segments, 4, TWO)
    add(segments, 7, ONE)
    end = drained(segments)
    assert end is not None
    [final] = segments.end_segment(end)
    assert isinstance(final, Final)
    assert [word.text for word in final.words] == ["one", "two"]
    assert final.text == "one two"
    assert final.words[-1].end < final.settled < final.audio_time
    assert segments.over


def test_a_long_silence_settles_step_by_step() -> None:
    segments = segmenter()
    first = -(-(SETTLED_EVERY + SETTLED_MARGIN) // FRAME)
    add(segments, first - 1)
    assert segments.settle_silence() == []
    add(segments, first)
    [settled] = segments.settle_silence()
    assert isinstance(settled, Settled)
    assert settled.settled == pytest.approx(settled.audio_time - 2.0)
    assert segments.settle_silence() == []


def test_another_turn_mode_keeps_the_words_and_forgets_the_turn() -> None:
    segments = segmenter()
    add(segments, 1, ONE)
    segments.change_turn(TurnSettings(mode="off"))
    end = SegmentEnd(FRAME, FRAME, 1, PendingFlush(FlushReason.END, FRAME, []))
    [final] = segments.end_segment(end)
    assert isinstance(final, Final)
    assert final.text == "one"


def test_a_long_segment_ends_in_a_pause_and_a_very_long_one_anywhere() -> None:
    assert not is_too_long(0, LONGEST_SEGMENT, quiet=True)
    assert is_too_long(0, LONGEST_SEGMENT + 1, quiet=True)
    assert not is_too_long(0, 2 * LONGEST_SEGMENT, quiet=False)
    assert is_too_long(0, 2 * LONGEST_SEGMENT + 1, quiet=False)


def test_a_border_lies_in_the_middle_of_the_silence() -> None:
    assert middle_of_silence(1000, 3000) == 2000
    assert middle_of_silence(3000, 1000) == 1000, "a word may end after the position that a result rests on"
