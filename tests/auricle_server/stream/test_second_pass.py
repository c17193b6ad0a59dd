"""The words of a second pass, cut where the first pass says, whichever of the two is ahead."""

from __future__ import annotations

from auricle_server.ipc.columns import ChunkResult
from auricle_server.ipc.messages import CAUGHT_UP
from auricle_server.stream.second_pass import PAUSE_SAMPLES, SecondPass
from auricle_server.stream.segment_end import FlushReason, PendingFlush, SegmentEnd

PIECES = ("▁one", "▁two", "▁th", "ree", ".", "▁", "你")
ONE, TWO, TH, REE, STOP, SPACE, NI = range(7)
FRAME = 1280


def lane(base: int = 0) -> SecondPass:
    second = SecondPass(PIECES, FRAME)
    second.open(base)
    return second


def found(end: int, *tokens: tuple[int, int], mark: int | None = None) -> ChunkResult:
    """A result that rests on `end` frames; tokens with their frames."""
    ids, frames = tuple(token for token, _ in tokens), tuple(frame for _, frame in tokens)
    return ChunkResult(1, end * FRAME, ids, frames, (0.5,) * len(ids), (0.5,) * len(ids), mark, refined=True)


def at(border: float, position: int) -> SegmentEnd:
    """The server's."""
    return SegmentEnd(position * FRAME, round(border * FRAME))


def asked(mark: int, position: int, reason: FlushReason = FlushReason.FINALIZE) -> SegmentEnd:
    return SegmentEnd(position * FRAME, position * FRAME, mark, PendingFlush(reason, position * FRAME, ["f"]))


def test_bytes_are_joined_across_results_and_flushes() -> None:
    second = SecondPass(("▁na", "<0xC3>", "<0xAF>", "ve"), FRAME)
    second.open(0)
    second.add(found(5, (0, 3), (1, 4)))
    second.add(found(6, (2, 5), mark=1))
    second.add(found(10, (2, 5), (3, 6)))
    second.add(found(12, mark=2))
    assert text(second, asked(1, 6)) == "naï"
    second.add(found(20, (0, 18), (1, 18), (2, 18), (3, 19), mark=3))
    assert text(second, asked(3, 20)) == "naïve"


def text(second: SecondPass, cut: SegmentEnd) -> str | None:
    assert second.knows(cut)
    segment = second.take(cut)
    return None if segment is None else segment.text


def test_words_that_start_after_the_border_belong_to_the_next_segment() -> None:
    second = lane()
    second.add(found(14, (ONE, 2), (TH, 4), (REE, 8), (STOP, 9), (TWO, 11)))
    assert text(second, at(6, 10)) == "one three."
    assert second.start == 11 * FRAME
    assert text(second, at(13, 14)) == "two"
    assert second.start is None


def test_pieces_without_spaces_between_words_are_words() -> None:
    second = lane()
    second.add(found(14, (SPACE, 2), (REE, 2), (NI, 3), (NI, 11), (SPACE, 12), (REE, 12)))
    assert text(second, at(6, 10)) == "ree你"
    assert text(second, at(13, 14)) == "你 ree"


def test_a_segment_end_waits_until_the_second_pass_has_come_that_far() -> None:
    second = lane()
    second.add(found(14, (ONE, 2)))
    assert not second.knows(at(14, 15))
    second.add(found(16, mark=CAUGHT_UP))
    assert second.knows(at(14, 15))


def test_a_finalize_takes_what_was_found_up_to_its_answer() -> None:
    second = lane()
    second.add(found(14, (ONE, 2)))
    assert not second.knows(asked(1, 10))
    second.add(found(14, (TWO, 13), mark=1))
    second.add(found(20, (TWO, 13), (TH, 15), (REE, 17)))  # which brings what the flush has brought once more
    second.add(found(20, mark=2))
    assert text(second, asked(1, 14)) == "one two"
    assert text(second, asked(2, 20)) == "three"


def test_an_end_by_turn_leaves_the_rest_to_the_finalize_after_it() -> None:
    second = lane()
    second.add(found(14, (ONE, 2), (TWO, 12), mark=1))
    second.add(found(28, (TWO, 12), (TH, 20), (REE, 21)))
    assert text(second, at(6, 10)) == "one"
    assert text(second, asked(1, 14)) == "two"
    assert text(second, at(25, 28)) == "three"


def test_half_a_word_after_the_border_is_decoded_again() -> None:
    second = lane()
    second.add(found(14, (ONE, 2)))
    second.add(found(20, (STOP, 14), (TWO, 20), mark=CAUGHT_UP))  # the flush takes the beginning of three for two
    assert text(second, at(15, 19)) == "one."
    second.add(found(28, (STOP, 14), (TH, 20), (REE, 22)))
    assert text(second, at(26, 28)) == "three"


def test_a_second_pass_opened_in_mid_stream_takes_over_in_a_pause() -> None:
    second = lane(10 * FRAME)
    second.add(found(14, (ONE, 11)))
    assert text(second, at(15, 14)) is None
    speech_end, position = 12 * FRAME, 12 * FRAME + PAUSE_SAMPLES
    second.take_over(speech_end, position - 1)
    assert not second.active
    second.add(found(28, (TWO, 13), (TH, 26), (REE, 27)))  # two is late, and the first lane's
    second.take_over(speech_end, position)
    assert second.active
    assert text(second, SegmentEnd(28 * FRAME, 28 * FRAME)) == "three"


def test_a_late_word_of_the_first_pass_does_not_come_twice() -> None:
    second = lane(10 * FRAME)
    second.take_over(None, 10 * FRAME + PAUSE_SAMPLES)
    second.add(found(14, (ONE, 11), (REE, 12)))
    second.add(found(28, (STOP, 15), (TWO, 20)))
    assert text(second, at(26, 28)) == "two"


def test_flushes_before_a_second_pass_was_opened_do_not_wait_for_it() -> None:
    second = lane(10 * FRAME)
    assert second.knows(asked(1, 10))
    second.take_over(None, 30 * FRAME)
    assert second.knows(asked(2, 10))
    assert not second.knows(asked(3, 11))


def test_a_closed_second_pass_delays_no_final() -> None:
    second = lane()
    second.add(found(14, (ONE, 2)))
    assert not second.knows(at(20, 24))
    second.close()
    assert text(second, at(20, 24)) is None
    assert second.start is None


def test_silence_is_settled_as_far_as_both_passes_have_come() -> None:
    second = lane()
    second.add(found(14))
    assert second.decoded_by(20 * FRAME) == 14 * FRAME
    second.close()
    assert second.decoded_by(20 * FRAME) == 20 * FRAME
