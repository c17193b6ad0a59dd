"""Tags in several pieces become tags, and no part of one becomes text."""

from __future__ import annotations

import pytest

from auricle_server.stream.transcript import Transcript

VOCABULARY = (
    "▁",
    "<",
    "m",
    "t",
    "-",
    "M",
    "T",
    ">",
    "▁bongu",
    "<de-DE>",
    ".",
    "▁<",
    "<m",
    "T>",
    "MT>",
    "▁x",
    "yl-Latn",
)
IDS = {piece: index for index, piece in enumerate(VOCABULARY)}


def transcript() -> Transcript:
    return Transcript(VOCABULARY, 1280)


def add(made: Transcript, *pieces: str, frame: int = 0) -> None:
    ids = [IDS[piece] for piece in pieces]
    made.add(ids, range(frame, frame + len(ids)), [0.9] * len(ids))


@pytest.mark.parametrize(
    "spelled",
    [
        ("▁", "<", "m", "t", "-", "M", "T", ">"),
        ("▁<", "m", "t", "-", "M", "T>"),
        ("<m", "t", "-", "MT>"),
        ("▁", "<m", "t", "-", "M", "T", ">"),
    ],
)
def test_a_spelled_tag_is_the_language_of_its_words_and_no_text(spelled: tuple[str, ...]) -> None:
    made = transcript()
    add(made, "▁bongu", ".", *spelled)
    assert made.text == "bongu."
    assert made.tags.language == "mt-MT"
    add(made, "▁bongu", frame=20)
    segment = made.cut()
    assert segment.text == "bongu. bongu"
    assert segment.languages[0].language == "mt-MT"


def test_no_part_of_a_tag_is_ever_shown_whatever_the_chunks() -> None:
    made = transcript()
    for frame, piece in enumerate(("▁bongu", ".", "▁", "<", "m", "t", "-", "M", "T", ">", "▁bongu")):
        add(made, piece, frame=frame)
        assert "<" not in made.text
        assert made.text in ("bongu", "bongu.", "bongu. bongu")
    assert made.text == "bongu. bongu"


def test_what_turns_out_to_be_no_tag_is_text() -> None:
    made = transcript()
    add(made, "▁bongu", "▁<", "m", "▁x")
    assert made.text == "bongu <m x"


def test_a_tag_of_one_piece_ends_what_was_held() -> None:
    made = transcript()
    add(made, "▁bongu", "▁<", "m", "<de-DE>", "▁bongu")
    assert made.cut().text == "bongu <m bongu"
    assert made.tags.language == "de-DE"


def test_one_attempt_may_follow_another() -> None:
    made = transcript()
    add(made, "▁bongu", "<", "<", "m", "t", "-", "M", "T", ">")
    assert (made.text, made.tags.language) == ("bongu<", "mt-MT")


def test_a_tag_that_a_cut_splits_leaks_into_neither_segment() -> None:
    made = transcript()
    add(made, "▁bongu", ".", "▁<", "m", "t")
    assert made.cut().text == "bongu."
    add(made, "-", "M", "T", ">", "▁bongu", frame=10)
    assert made.cut().text == "bongu"
    assert made.tags.language == "mt-MT"
