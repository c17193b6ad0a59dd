"""Tokens to words and text: what is speech, what is punctuation, and whose it is."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auricle_server.stream.transcript import Segment, Transcript
from auricle_server.text.calibration import WordCalibration

FRAME = 1280
PIECES = (
    *("▁the", "▁re", "port", "s", ".", ",", "▁", "?", "▁¿", "c", "<en-US>", "▁<de-DE>", "<unk>", "▁don", "'", "t"),
    *("▁.", "▁5", "%", "-", "।", "का", "ि", '"', "▁-", "水", "。", "<zh-CN>", "<hi-IN>", "<de-DE>", "re"),
)
ID = {piece: index for index, piece in enumerate(PIECES)}


def heard(*pieces: str, at: int = 0, into: Transcript | None = None) -> Transcript:
    """One token per frame, from frame `at` on."""
    transcript = into or Transcript(PIECES, FRAME)
    frames = range(at, at + len(pieces))
    transcript.add([ID[piece] for piece in pieces], frames, [0.5 + 0.1 * (i % 5) for i, _ in enumerate(pieces)])
    return transcript


def texts(segment: Segment) -> list[str]:
    return [word.text for word in segment.words]


def test_words_carry_their_frames_and_the_punctuation_that_follows() -> None:
    segment = heard("▁the", "▁re", "port", "s", ".", at=10).cut()
    assert segment.text == "the reports."
    assert texts(segment) == ["the", "reports."]
    assert (segment.words[0].start, segment.words[0].end) == (0.8, 0.88)
    assert (segment.words[1].start, segment.words[1].end) == (0.88, 1.12)
    assert (segment.start, segment.end) == (10 * FRAME, 14 * FRAME)


def test_confidence_is_the_geometric_mean_over_the_tokens_that_are_speech() -> None:
    transcript = Transcript(PIECES, FRAME)
    transcript.add([ID["▁re"], ID["port"], ID["."]], [0, 1, 2], [0.9, 0.4, 0.1])
    assert transcript.cut().words[0].confidence == 0.6


def test_punctuation_moves_no_speech_end() -> None:
    transcript = heard("▁the", at=3)
    heard(".", at=40, into=transcript)
    assert transcript.speech_end == 4 * FRAME
    assert transcript.text == "the."


@pytest.mark.parametrize("late", [".", ",", "?", "▁.", "।", '"'])
def test_a_late_mark_of_the_segment_before_does_not_leak(late: str) -> None:
    transcript = heard("▁the")
    transcript.cut()
    heard(late, at=5, into=transcript)
    assert transcript.text == ""
    assert transcript.start is None
    heard("▁re", "port", at=9, into=transcript)
    assert transcript.cut().text == "report"


@pytest.mark.parametrize("between", [(), ("<en-US>",), ("▁<de-DE>",), ("<unk>",), ("▁",)])
def test_a_full_stop_takes_the_place_of_a_comma(between: tuple[str, ...]) -> None:
    transcript = heard("▁the", ",")
    assert (transcript.text, transcript.closing) == ("the,", ",")
    heard(*between, ".", at=5, into=transcript)
    assert (transcript.text, transcript.closing) == ("the.", ".")
    assert texts(transcript.cut()) == ["the."]


@pytest.mark.parametrize("second", [",", "?", ".", "▁.", "。", "।"])
def test_a_second_mark_after_a_full_stop_is_left_out(second: str) -> None:
    transcript = heard("▁the", ".", second, "▁re", "port", ",")
    assert transcript.text == "the. report,"
    assert texts(transcript.cut()) == ["the.", "report,"]


def test_a_flush_in_a_pause_after_a_comma_adds_no_second_mark() -> None:
    transcript = heard("▁the", ",")
    transcript.add([ID["."]], [6], [0.9], flushed_at=6)
    assert transcript.cut().text == "the."
    heard(".", "▁re", "port", at=8, into=transcript)
    assert transcript.cut().text == "report"


def test_a_mark_that_opens_a_phrase_stays_with_it_but_is_no_speech() -> None:
    transcript = heard("▁¿")
    assert (transcript.text, transcript.start, transcript.speech_end) == ("", None, None)
    heard("c", at=1, into=transcript)
    assert transcript.text == "¿c"
    assert transcript.cut().text == "¿c"


def test_a_segment_of_marks_alone_is_empty() -> None:
    assert heard("▁¿").cut() == Segment("", (), None, None)


def test_marks_inside_a_word_stay_inside_it() -> None:
    assert texts(heard("▁don", "'", "t", "▁5", "%", "▁-", "c").cut()) == ["don't", "5%", "-c"]


def test_a_vowel_sign_is_speech() -> None:
    transcript = heard("▁", "का", "ि", at=2)
    assert transcript.text == "काि"
    assert transcript.speech_end == 5 * FRAME


def test_a_lone_word_mark_starts_the_word_that_follows() -> None:
    assert texts(heard("▁the", "▁", "c", "▁", ".").cut()) == ["the", "c ."]


def test_language_tags_are_kept_out_of_the_text() -> None:
    transcript = heard("▁the", "<en-US>", "s", "▁<de-DE>", "<unk>")
    assert transcript.text == "thes"
    assert transcript.tags.language == "de-DE"
    transcript.cut()
    assert transcript.tags.language == "de-DE"


@pytest.mark.parametrize(
    ("pieces", "text"),
    [
        (("▁the", ".", "▁", "<en-US>", "▁re", "port", "."), "the. report."),
        (("▁the", ".", "▁<de-DE>", "▁re", "port"), "the. report"),
        (("▁the", ".", "<en-US>", "re", "port", "<en-US>"), "the. report"),
        (("▁the", "▁", "<en-US>", "re", "port"), "the report"),
        (("▁the", "▁", "<en-US>", ".", "▁re"), "the. re"),
        (("का", "।", "<hi-IN>", "का"), "का। का"),
        (("水", "。", "<zh-CN>", "水", "。"), "水。水。"),
        (("<en-US>", "▁", "▁the", "▁¿", "<en-US>", "c"), "the ¿c"),
    ],
)
def test_a_tag_takes_the_space_around_it_along_but_joins_no_words(pieces: tuple[str, ...], text: str) -> None:
    assert heard(*pieces).cut().text == text


def languages(segment: Segment) -> list[str | None]:
    return [said.language for said in segment.languages]


def test_a_tag_after_a_sentence_names_its_words() -> None:
    transcript = heard("▁the", "▁re", ".", "<en-US>", "▁don", "▁5", ".", "<de-DE>", "▁the")
    assert languages(transcript.cut()) == ["en-US", "en-US", "de-DE", "de-DE", "de-DE"]


def test_a_tag_before_a_sentence_names_it() -> None:
    transcript = heard("<en-US>", "▁the", "▁re", ".")
    assert languages(transcript.cut()) == ["en-US", "en-US"]
    heard("<de-DE>", "▁don", at=30, into=transcript)
    heard("▁5", at=50, into=transcript)
    heard("<hi-IN>", "▁the", at=70, into=transcript)
    assert languages(transcript.cut()) == ["de-DE", "de-DE", "hi-IN"]


def test_a_tag_that_comes_after_the_cut_names_no_word_of_the_next_segment() -> None:
    transcript = heard("▁the", ".", "<en-US>")
    transcript.cut()
    heard("▁re", "port", at=10, into=transcript)
    assert languages(transcript.cut()) == ["en-US"]  # so far
    heard("<de-DE>", "▁the", at=12, into=transcript)
    assert transcript.tags.language == "de-DE"
    heard("▁re", ".", "<en-US>", at=14, into=transcript)
    assert languages(transcript.cut()) == ["en-US", "en-US"]


def test_a_tag_by_itself_names_nothing() -> None:
    transcript = heard("<en-US>")
    heard("▁the", ".", "<de-DE>", at=20, into=transcript)
    heard("▁re", ".", "<hi-IN>", at=40, into=transcript)
    assert languages(transcript.cut()) == ["de-DE", "hi-IN"]


def test_without_a_tag_words_have_no_language() -> None:
    assert languages(heard("▁the", "▁re").cut()) == [None, None]


def test_tags_are_no_marks_and_no_speech() -> None:
    plain, tagged = heard("▁the", "."), heard("▁the", ".", "<en-US>", "▁<de-DE>")
    for name in ("text", "start", "speech_end", "closing", "closed_at", "utterance_ended", "last_word", "confidence"):
        assert getattr(plain, name) == getattr(tagged, name), name


def test_a_cut_inside_a_word_starts_a_new_word() -> None:
    transcript = heard("▁re")
    assert transcript.cut().text == "re"
    heard("port", at=7, into=transcript)
    segment = transcript.cut()
    assert (segment.text, segment.start) == ("port", 7 * FRAME)


@given(st.lists(st.integers(0, len(PIECES) - 1), max_size=40), st.data())
def test_any_tokens_in_any_pieces(tokens: list[int], data: st.DataObject) -> None:
    """The text is its words joined, only grows but for its last mark, and does not depend on how tokens were cut."""
    at_once = Transcript(PIECES, FRAME)
    at_once.add(tokens, range(len(tokens)), [0.5] * len(tokens))
    piecewise, done, seen = Transcript(PIECES, FRAME), 0, ""
    while done < len(tokens):
        end = data.draw(st.integers(done + 1, len(tokens)))
        piecewise.add(tokens[done:end], range(done, end), [0.5] * (end - done))
        assert piecewise.text.startswith(seen.rstrip(".,?।。 "))
        seen, done = piecewise.text, end
    segment = piecewise.cut()
    assert segment == at_once.cut()
    assert segment.text == " ".join(texts(segment))
    assert all(word.end > word.start for word in segment.words)


CALIBRATED = WordCalibration(((80, 160.0, 80.0), (560, 240.0, 160.0)), (8.0, -3.0))


def test_a_calibration_moves_words_but_not_the_end_of_speech() -> None:
    transcript = heard("▁the", "▁re", "port", "s", at=10, into=Transcript(PIECES, FRAME, CALIBRATED, 80))
    assert transcript.speech_end == 14 * FRAME
    assert transcript.start == 8 * FRAME
    assert transcript.end(20 * FRAME) == 13 * FRAME
    segment = transcript.cut(20 * FRAME)
    assert [(word.start, word.end) for word in segment.words] == [(0.64, 0.72), (0.72, 1.04)]
    assert (segment.start, segment.end) == (8 * FRAME, 13 * FRAME)


def test_words_count_from_the_latency_in_force() -> None:
    transcript = heard("▁the", at=20, into=Transcript(PIECES, FRAME, CALIBRATED, 80))
    assert transcript.start == 18 * FRAME
    transcript.latency_ms = 560
    assert transcript.start == 17 * FRAME


def test_no_word_starts_before_the_end_of_the_last_segment_or_ends_after_the_stream() -> None:
    transcript = heard("▁the", at=10, into=Transcript(PIECES, FRAME, CALIBRATED, 80))
    first = transcript.cut(11 * FRAME)
    assert first.words[0].end == 0.88
    heard("▁re", "port", at=11, into=transcript)
    assert transcript.cut(14 * FRAME).words[0].start == 0.88


def test_a_segment_is_as_sure_as_its_words_on_average() -> None:
    transcript = Transcript(PIECES, FRAME, CALIBRATED, 80)
    tokens = [ID["▁the"], ID["▁re"], ID["port"]]
    transcript.add(tokens, [0, 5, 6], [1.0, 1.0, 1.0], confidences=[0.9, 0.5, 0.2])
    segment = transcript.cut()
    assert [word.confidence for word in segment.words] == [0.9852, 0.3846]
    assert segment.confidence == pytest.approx(sum(word.confidence for word in segment.words) / 2, abs=1e-4)
    assert transcript.cut().confidence is None


def test_turns_use_the_probability_whatever_the_words_confidence() -> None:
    transcript = Transcript(PIECES, FRAME, CALIBRATED, 80)
    transcript.add([ID["▁the"]], [0], [0.7], confidences=[0.2])
    assert transcript.confidence == 0.7


def test_a_transcript_splits_in_the_last_pause_or_the_longest() -> None:
    def spoken(*frames: int) -> Transcript:
        transcript = Transcript(PIECES, 100)
        for frame in frames:
            transcript.add((ID["▁the"],), (frame,), (1.0,))
        return transcript

    assert spoken().split(300) is None
    assert spoken(1).split(300) is None
    assert spoken(1, 5, 10, 12).split(300) == 800, "the last pause of 300 samples"
    assert spoken(1, 2, 4, 5).split(300) == 350, "the longest"
    assert spoken(1, 3, 5).split(300) == 450, "the later of two"


def test_words_after_a_border_are_left_to_who_hears_them_again() -> None:
    transcript = Transcript(PIECES, 100)
    for frame in (1, 5, 10):
        transcript.add((ID["▁the"],), (frame,), (1.0,))
    segment = transcript.cut(1200, transcript.split(300))
    assert (segment.text, len(segment.words), segment.end) == ("the the", 2, 600)


def test_a_word_that_begins_at_the_border_comes_once() -> None:
    transcript = Transcript(PIECES, 100)
    for frame in (1, 2, 3):  # without a pause between them
        transcript.add((ID["▁the"],), (frame,), (1.0,))
    border = transcript.split(300)
    assert border == 300
    assert transcript.cut(400, border).text == "the the"
