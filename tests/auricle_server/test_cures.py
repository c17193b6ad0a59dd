"""The settings that switch cures on."""

from dataclasses import replace

import pytest

from auricle_server.config import ConfigError, ServerConfig
from auricle_server.cures import OFF, Cures, parse_cures


def test_all_cures_are_off_by_default() -> None:
    assert Cures() == OFF == parse_cures("off")
    assert not OFF.need_voice


def test_the_profile_decides_unless_the_operator_does() -> None:
    assert ServerConfig().cures == "profile"
    assert parse_cures("profile") is None


@pytest.mark.parametrize(
    ("text", "cures"),
    [
        ("warm-up", Cures(warm_up_seconds=1.12)),
        ("warm-up=0.56, refresh=30", Cures(warm_up_seconds=0.56, refresh_seconds=30)),
        ("watch=1.5", Cures(watch_seconds=1.5)),
        ("watch=1.5,voice", Cures(watch_seconds=1.5, voice=True)),
        ("hold-back=0.5:0.25", Cures(hold_back_confidence=0.5, hold_back_voice=0.25)),
        ("refresh,watch,hold-back", Cures(0, 20, 2, 0.4, 0.3)),
    ],
)
def test_a_list_names_cures(text: str, cures: Cures) -> None:
    assert parse_cures(text) == cures


@pytest.mark.parametrize(
    "text",
    [
        "",
        "warmup",
        "warm-up=9",
        "refresh=1",
        "watch=a",
        "hold-back=0.4",
        "hold-back=1:2",
        "watch=1:2",
        "off,watch",
        "voice=1",
    ],
)
def test_a_wrong_list_is_refused_with_its_name(text: str) -> None:
    with pytest.raises(ConfigError, match=r"^cures: cure '.*': expected "):
        ServerConfig(cures=text)


def test_only_two_cures_need_voice_detection() -> None:
    for cures in (Cures(watch_seconds=2), Cures(hold_back_confidence=0.4, hold_back_voice=0.3)):
        assert cures.use_voice
        assert not cures.need_voice
        assert replace(cures, voice=True).need_voice
    for cures in (Cures(warm_up_seconds=1, refresh_seconds=20), Cures(hold_back_confidence=0.4)):
        assert not replace(cures, voice=True).need_voice


@pytest.mark.parametrize("text", ["off", "warm-up=1.12", "refresh=20,watch=2", "warm-up=0.5,hold-back=0.4:0.25"])
def test_cures_are_written_as_they_are_read(text: str) -> None:
    assert str(parse_cures(text)) == text
