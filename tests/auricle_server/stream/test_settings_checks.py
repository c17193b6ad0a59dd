"""What a stream asks for, against the limits of the server and the model."""

from __future__ import annotations

from dataclasses import replace

import pytest

from auricle.protocol import codes
from auricle.protocol.codes import ProtocolViolation
from auricle_server.config import DEFAULT_LIMITS
from auricle_server.model_info import ModelInfo
from auricle_server.stream.settings_checks import check_keyterms, check_settings, unwritable_notice

LIMITS = replace(DEFAULT_LIMITS, keyterms=2, keyterm_characters=5)
INFO = ModelInfo("model", ("▁", "a", "b"), (80,), 80, ("en",), "en", 0.08, 4)


@pytest.mark.parametrize(
    ("keyterms", "limits", "code"),
    [
        (("a",), None, codes.UNSUPPORTED_KEYTERMS),
        (("a",), replace(LIMITS, keyterms=0), codes.UNSUPPORTED_KEYTERMS),
        (("a", "b", "c"), LIMITS, codes.INVALID_KEYTERMS),
        (("a", "abcdef"), LIMITS, codes.INVALID_KEYTERMS),
    ],
)
def test_what_the_server_does_not_take_is_refused(keyterms: tuple[str, ...], limits: object, code: str) -> None:
    with pytest.raises(ProtocolViolation) as refused:
        check_keyterms(keyterms, limits)  # type: ignore[arg-type]
    assert refused.value.code == code


def test_what_fits_passes() -> None:
    check_keyterms((), None)
    check_keyterms(("abcde", "b"), LIMITS)


def test_a_notice_names_at_most_five_terms() -> None:
    assert unwritable_notice(("ab", "ba"), INFO) is None
    notice = unwritable_notice(("ab", *(f"x{number}" for number in range(7))), INFO)
    assert notice is not None
    assert notice.startswith("model cannot write 'x0', 'x1', 'x2', 'x3', 'x4' and 2 more")


def test_a_language_becomes_one_of_the_model() -> None:
    assert check_settings(INFO, 80, "en-GB") == "en"
    assert check_settings(INFO, None, None) is None


@pytest.mark.parametrize(
    ("latency_ms", "language", "code"),
    [(160, None, codes.UNSUPPORTED_LATENCY), (80, "fr", codes.UNSUPPORTED_LANGUAGE)],
)
def test_what_the_model_does_not_offer_is_refused(latency_ms: int, language: str | None, code: str) -> None:
    with pytest.raises(ProtocolViolation) as refused:
        check_settings(INFO, latency_ms, language)
    assert refused.value.code == code
