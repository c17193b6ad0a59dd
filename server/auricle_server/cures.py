"""Cures for known ills of published models. All are off unless a model's profile or the operator switches them on.

What each one does, what it costs and how it is proved: docs/cures.md. A cure that is off changes no token.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

_VOICE = "voice"
PROFILE, NONE = "profile", "off"
"""Settings that are no list: the cures of the model's profile, and none."""


def _check(condition: bool, name: str, expected: str) -> None:
    if not condition:
        raise ValueError(f"cure {name!r}: expected {expected}")


@dataclass(frozen=True, slots=True)
class Cures:
    """Which cures are on; 0 is off.

    Attributes:
        warm_up_seconds: Silence that the model has heard before a stream's first sample, 0 to 5. It is computed once,
            when the engine starts, so it costs a stream no time and moves no word's time.
        refresh_seconds: Length of a run without a word after which the model's state starts anew, 0 or 5 to 600.
        watch_seconds: Length of a run of speech without a word, by voice detection, after which the state starts anew
            and the run is decoded again, 0 or 0.5 to 5.
        hold_back_confidence: Words below this confidence are held back if their voice probability is low as well, 0
            to 1.
        hold_back_voice: Voice probability that counts as low, 0 to 1.
        voice: Whether streams detect voice in every turn mode where a cure can use it. Otherwise the watch and the
            hold-back work in semantic mode only, which detects it anyway: for thousands of streams voice detection
            takes several cores.

    Raises:
        ValueError: A value is out of range.
    """

    warm_up_seconds: float = 0.0
    refresh_seconds: float = 0.0
    watch_seconds: float = 0.0
    hold_back_confidence: float = 0.0
    hold_back_voice: float = 0.0
    voice: bool = False

    def __post_init__(self) -> None:
        _check(0 <= self.warm_up_seconds <= 5, "warm-up", "0 to 5 seconds")
        # A refresh decodes the last 2.24 s again: more often than every 5 s, that would be half of all work.
        _check(self.refresh_seconds == 0 or 5 <= self.refresh_seconds <= 600, "refresh", "0, or 5 to 600 seconds")
        _check(self.watch_seconds == 0 or 0.5 <= self.watch_seconds <= 5, "watch", "0, or 0.5 to 5 seconds")
        for value in (self.hold_back_confidence, self.hold_back_voice):
            _check(0 <= value <= 1, "hold-back", "two numbers from 0 to 1, as in hold-back=0.4:0.3")

    def __str__(self) -> str:
        """The cures that are on, as `parse_cures` takes them."""
        seconds = {"warm-up": self.warm_up_seconds, "refresh": self.refresh_seconds, "watch": self.watch_seconds}
        named = [f"{name}={value:g}" for name, value in seconds.items() if value]
        if self.holds_back:
            named.append(f"hold-back={self.hold_back_confidence:g}:{self.hold_back_voice:g}")
        named += [_VOICE] * self.voice
        return ",".join(named) or NONE

    @property
    def holds_back(self) -> bool:
        """Whether words are held back."""
        return self.hold_back_confidence > 0 and self.hold_back_voice > 0

    @property
    def use_voice(self) -> bool:
        """Whether a cure that is on needs voice detection to work."""
        return self.watch_seconds > 0 or self.holds_back

    @property
    def need_voice(self) -> bool:
        """Whether streams detect voice for the sake of a cure, whatever their turn mode."""
        return self.voice and self.use_voice


OFF = Cures()
"""No cure."""
_DEFAULTS = {"warm-up": "1.12", "refresh": "20", "watch": "2", "hold-back": "0.4:0.3"}
"""Values of cures that are named without one. The warm-up is the longest chunk of the published models."""


def parse_cures(text: str) -> Cures | None:
    """The cures that a setting names; None for those of the model's profile.

    Args:
        text: ``profile``, ``off``, or a list such as ``warm-up,refresh=20,watch=2,hold-back=0.4:0.3,voice``.

    Raises:
        ValueError: An unknown cure, or a value out of range.
    """
    if text == PROFILE:
        return None
    return OFF if text == NONE else Cures(**_fields(text))


def _fields(text: str) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    for entry in text.split(","):
        name, _, value = entry.strip().partition("=")
        if name == _VOICE and not value:
            fields[_VOICE] = True
            continue
        _check(name in _DEFAULTS, name, f"profile, off, or a list of {', '.join((*_DEFAULTS, _VOICE))}")
        try:
            numbers = [float(number) for number in (value or _DEFAULTS[name]).split(":")]
        except ValueError:
            numbers = []
        if name == "hold-back":
            _check(len(numbers) == 2, name, "two numbers from 0 to 1, as in hold-back=0.4:0.3")
            fields |= {"hold_back_confidence": numbers[0], "hold_back_voice": numbers[1]}
        else:
            _check(len(numbers) == 1, name, f"a number of seconds, as in {name}={_DEFAULTS[name]}")
            fields[f"{name.replace('-', '_')}_seconds"] = numbers[0]
    return fields
