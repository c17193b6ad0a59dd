"""Bytes are joined to characters, whatever they are cut by."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auricle_server.stream.transcript import Transcript
from auricle_server.text.byte_pieces import ByteJoiner, Token, byte_of, stand_in, with_bytes

FIRST = 300
BYTES = {token: token for token in range(256)}
FRAME = 1280


def tokens(content: bytes) -> list[Token]:
    return [(byte, frame, 0.5, 0.5) for frame, byte in enumerate(content)]


def text(found: list[Token]) -> str:
    return "".join(chr(token - FIRST) for token, *_ in found)


@given(st.text(), st.integers(1, 9))
def test_any_text_comes_back_whatever_its_chunks_are(said: str, size: int) -> None:
    said = said.encode(errors="ignore").decode()
    joiner, rows = ByteJoiner(BYTES, FIRST), tokens(said.encode())
    found = [token for at in range(0, len(rows), size) for token in joiner.joined(rows[at : at + size])]
    assert text(found) == said


@given(st.binary(max_size=40))
def test_bytes_that_are_no_characters_are_left_out(content: bytes) -> None:
    written = text(ByteJoiner(BYTES, FIRST).joined(tokens(content)))
    assert written.encode().decode() == written
    assert len(written) <= len(content)


def test_a_character_has_the_last_frame_and_the_confidence_of_all_its_bytes() -> None:
    rows = [(0xC3, 4, 0.5, 0.9), (0xAF, 6, 0.8, 0.4)]
    ((token, frame, probability, confidence),) = ByteJoiner(BYTES, FIRST).joined(rows)
    assert (token, frame) == (FIRST + ord("ï"), 6)
    assert [probability, confidence] == pytest.approx([0.4, 0.6])


def test_a_flush_leaves_what_is_held_back_as_it_was() -> None:
    joiner = ByteJoiner(BYTES, FIRST)
    assert joiner.joined([(0xC3, 0, 0.5, 0.5)]) == []
    assert text(joiner.joined([(0xAF, 1, 0.5, 0.5), (0xC3, 2, 0.5, 0.5)], flushed=True)) == "ï"
    assert text(joiner.joined([(0xB1, 3, 0.5, 0.5)])) == "ñ"


def test_stand_ins_spell_what_has_no_letter() -> None:
    assert with_bytes("aï", frozenset("a")) == f"a{stand_in(0xC3)}{stand_in(0xAF)}"
    assert [byte_of(piece) for piece in ("<0xc3>", "<0xC3>", "<0xC>", "▁<0xC3>", "a")] == [0xC3, 0xC3, None, None, None]


PIECES = (
    *("▁na", "ve", "<0xC3>", "<0xAF>", "<0xE6>", "<0x9D>", "<0xB1>", "<0x3C>", "mt-MT>", "▁", "<0xE3>", "<0x80>"),
    *("<0x82>", "<0x20>", "<0x00>", "<0x85>"),
)


def spell(transcript: Transcript, *pieces: str, at: int = 0, flushed_at: int | None = None) -> Transcript:
    frames = range(at, at + len(pieces))
    transcript.add([PIECES.index(piece) for piece in pieces], frames, [0.5] * len(pieces), flushed_at)
    return transcript


@pytest.mark.parametrize(
    ("pieces", "text"),
    [
        (("▁na", "<0xC3>", "<0xAF>", "ve"), "naïve"),
        (("▁na", "▁", "<0xC3>", "<0xAF>", "ve"), "na ïve"),
        (("▁na", "<0xC3>", "<0xAF>", "<0x20>", "<0xC3>", "<0xAF>"), "naï ï"),
        (("<0xE6>", "<0x9D>", "<0xB1>", "<0xE3>", "<0x80>", "<0x82>"), "東。"),
        (("▁na", "<0xC3>", "ve"), "nave"),
        (("▁na", "<0xAF>", "<0xAF>", "ve"), "nave"),
        (("▁na", "<0xC3>", "<0xC3>", "<0xAF>", "ve"), "naïve"),
        (("▁na", "<0xE6>", "<0x9D>", "<0xC3>", "<0xAF>"), "naï"),
        (("▁na", "<0x00>", "<0xC3>", "<0x85>", "ve"), "naÅve"),
        (("▁na", "<0x3C>", "mt-MT>"), "na"),
        (("▁na", "<0xE6>", "<0x9D>"), "na"),
    ],
)
def test_bytes_are_joined_to_characters_and_what_is_none_is_left_out(pieces: tuple[str, ...], text: str) -> None:
    together, one_by_one = spell(Transcript(PIECES, FRAME), *pieces), Transcript(PIECES, FRAME)
    for frame, piece in enumerate(pieces):
        spell(one_by_one, piece, at=frame)
        assert "<0x" not in one_by_one.text
        assert "\ufffd" not in one_by_one.text
    assert together.cut() == one_by_one.cut()
    assert spell(Transcript(PIECES, FRAME), *pieces).cut().text == text


def test_an_incomplete_character_is_held_back_until_its_last_byte() -> None:
    transcript = spell(Transcript(PIECES, FRAME), "▁na", "<0xC3>")
    assert transcript.text == "na"
    assert spell(transcript, "<0xAF>", at=2).text == "naï"
    assert [(word.start, word.end) for word in transcript.cut().words] == [(0.0, 0.24)]


def test_a_character_that_a_flush_completes_is_not_doubled() -> None:
    transcript = spell(Transcript(PIECES, FRAME), "▁na", "<0xC3>")
    spell(transcript, "<0xAF>", "ve", at=2, flushed_at=3)
    assert transcript.cut().text == "naïve"
    spell(transcript, "<0xAF>", "ve", "▁na", at=2)
    assert transcript.cut().text == "na"


def test_a_character_that_a_flush_breaks_is_no_part_of_its_final() -> None:
    transcript = spell(Transcript(PIECES, FRAME), "▁na")
    spell(transcript, "<0xC3>", at=2, flushed_at=3)
    assert transcript.cut().text == "na"
    spell(transcript, "▁na", "<0xC3>", "<0xAF>", "ve", at=20)
    assert transcript.cut().text == "naïve"
