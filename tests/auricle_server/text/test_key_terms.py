"""How key terms may be written, and what gateways say to those that cannot be."""

from __future__ import annotations

import pytest

from auricle.protocol.codes import ProtocolViolation
from auricle.protocol.server_messages import Limits
from auricle_server.model_info import ModelInfo
from auricle_server.stream.settings_checks import check_keyterms, unwritable_notice
from auricle_server.text.byte_pieces import stand_in
from auricle_server.text.key_terms import alphabet, spellings, unwritable

PIECES = ("<unk>", "▁", "▁the", *"abcdefghijklmnoprstuvwxyzABCKMNSN上海", "'")
LETTERS = alphabet(PIECES)
LIMITS = Limits(1, 1.0, 1.0, 1.0, keyterms=3, keyterm_characters=10)
INFO = ModelInfo("model", PIECES, (80,), 80, ("en",), "en", 0.08, 4)


def test_a_phrase_is_known_as_given_in_lower_case_and_with_capitals() -> None:
    assert spellings("marina bellini", LETTERS) == ("▁marina▁bellini", "▁Marina▁bellini", "▁Marina▁Bellini")
    assert spellings("  mcKean\u00a0 ", LETTERS) == ("▁mcKean", "▁mckean", "▁Mckean")
    assert spellings("CAB", LETTERS) == ("▁CAB", "▁cab", "▁Cab")


def test_hyphens_that_a_model_has_not_are_spaces() -> None:
    assert "▁coca▁cola" in spellings("coca-cola", LETTERS)
    assert spellings("coca-cola", LETTERS | {"-"})[0] == "▁coca-cola"


def test_a_script_without_spaces_may_begin_anywhere() -> None:
    assert spellings("上海", LETTERS) == ("▁上海", "上海")


def test_what_a_model_cannot_write_is_named() -> None:
    phrases = ("abel", "Zürich", "", "  ", "CAB", "上海", "Qatar", "qatar")
    assert unwritable(phrases, PIECES) == ("Zürich", "", "  ", "Qatar", "qatar")
    assert unwritable_notice(("abel",), INFO) is None
    message = unwritable_notice(("abel", "Zürich"), INFO)
    assert message is not None
    assert "'Zürich'" in message
    many = unwritable_notice(tuple("qüéñçèà"), INFO)
    assert many is not None
    assert "and 2 more" in many


def test_a_model_with_byte_fallback_can_write_every_character() -> None:
    pieces = (*PIECES, *(f"<0x{byte:02X}>" for byte in range(256)))
    letters = alphabet(pieces)
    assert unwritable(("Zürich", "Qatar", "東京", "😀"), pieces) == ()
    assert spellings("zü", letters)[0] == f"▁z{stand_in(0xC3)}{stand_in(0xBC)}"
    assert spellings("上東", letters)[1] == "上" + "".join(map(stand_in, "東".encode()))
    assert unwritable(("Zürich", "東京"), (*PIECES, "Z", "<0xC3>", "<0xBC>")) == ("東京",)


@pytest.mark.parametrize(
    ("keyterms", "limits", "code", "words"),
    [
        (("a",), None, "unsupported_keyterms", "takes no key terms"),
        (("a",), Limits(1, 1.0, 1.0, 1.0), "unsupported_keyterms", "takes no key terms"),
        (tuple("abcd"), LIMITS, "invalid_keyterms", "more than the 3"),
        (("a", "abcdefghijk"), LIMITS, "invalid_keyterms", "may have 10 characters"),
    ],
)
def test_too_many_and_too_long_ones_are_refused(
    keyterms: tuple[str, ...], limits: Limits | None, code: str, words: str
) -> None:
    with pytest.raises(ProtocolViolation, match=words) as refusal:
        check_keyterms(keyterms, limits)
    assert refusal.value.code == code


def test_what_fits_is_taken() -> None:
    check_keyterms(("abc", "abcdefghij"), LIMITS)
    check_keyterms((), None)
