"""The values of settings as people write them in variables."""

from __future__ import annotations

KEY_RULE = "no empty key, and none with a control character or with a space at an end"


def can_be_sent(key: str) -> bool:
    """Whether a client can send a key in a header, which drops spaces at the ends of its value."""
    return bool(key) and key.isprintable() and key == key.strip()


def read_keys(text: str) -> tuple[str, ...]:
    """API keys with commas between."""
    return tuple(key.strip() for key in text.split(",") if key.strip())


def read_origins(text: str) -> tuple[str, ...]:
    """Origins of pages with commas between; an empty one is kept, and refused later."""
    return tuple(origin.strip() for origin in text.split(","))


def flag(text: str) -> bool:
    """A truth as people write it.

    Raises:
        ValueError: It is neither: `AURICLE_NO_AUTH=off` must not open the door.
    """
    truth = {"1": True, "true": True, "yes": True, "on": True, "0": False, "false": False, "no": False, "off": False}
    if text.strip().lower() not in truth:
        raise ValueError(text)
    return truth[text.strip().lower()]
