from __future__ import annotations

import pytest

from auricle_server.text.vocabulary import Piece, PieceKind, has_spaces, spelled, vocabulary


def parsed(piece: str) -> Piece:
    return vocabulary((piece,))[0]


@pytest.mark.parametrize(
    ("piece", "kind", "text", "starts_word", "continues"),
    [
        ("\u2581the", PieceKind.SPEECH, "the", True, False),
        ("ing", PieceKind.SPEECH, "ing", False, True),
        ("\u4f60", PieceKind.SPEECH, "\u4f60", False, False),
        (".", PieceKind.CLOSING, ".", False, False),
        ("?!", PieceKind.CLOSING, "?!", False, False),
        ("\u2581\u00bf", PieceKind.MARK, "\u00bf", True, False),
        ("\u2581", PieceKind.SPACE, "", True, False),
        ("<en-US>", PieceKind.LANGUAGE, "en-US", False, False),
        ("\u2581<zh-CN>", PieceKind.LANGUAGE, "zh-CN", True, False),
        ("<EOU>", PieceKind.END, "", False, False),
        ("<unk>", PieceKind.CONTROL, "", False, False),
        ("<EOB>", PieceKind.CONTROL, "", False, False),
        ("<0xC3>", PieceKind.CONTROL, "", False, False),
        ("।", PieceKind.CLOSING, "।", False, False),
        ("።", PieceKind.CLOSING, "።", False, False),
    ],
)
def test_a_piece_is_known_by_what_it_does(
    piece: str, kind: PieceKind, text: str, starts_word: bool, continues: bool
) -> None:
    assert parsed(piece) == Piece(kind, text, starts_word, continues)


def test_a_word_mark_inside_a_piece_is_a_space() -> None:
    assert parsed("\u2581of\u2581the").text == "of the"


@pytest.mark.parametrize(("char", "spaces"), [("a", True), ("\u0434", True), ("\u65e5", False), ("\u0e01", False)])
def test_scripts_with_and_without_spaces(char: str, spaces: bool) -> None:
    assert has_spaces(char) == spaces


def test_ids_after_the_pieces_are_those_of_characters() -> None:
    pieces = vocabulary(("▁a", "<0xC3>"))
    assert pieces[2 + ord("ï")] == Piece(PieceKind.SPEECH, "ï", False, True)
    assert pieces[2 + ord("東")] == Piece(PieceKind.SPEECH, "東", False, False)
    assert pieces[2 + ord("。")].kind is PieceKind.CLOSING
    assert pieces[2 + ord("\n")].kind is PieceKind.SPACE
    assert pieces[2 + 7].kind is PieceKind.CONTROL


def test_tokens_are_spelled_as_a_tokenizer_writes_them() -> None:
    assert spelled(("▁na", "<0xC3>", "<0xAF>", "ve", "▁", "<unk>"), (0, 1, 2, 3, 4, 0, 1, 3, 5)) == " naïve  nave<unk>"


def test_the_pieces_of_a_model_are_parsed_once() -> None:
    pieces = ("\u2581a", "b")
    assert vocabulary(pieces) is vocabulary(pieces)
