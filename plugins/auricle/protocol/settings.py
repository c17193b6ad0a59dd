"""Settings of a stream beyond the format of its audio, turn detection and the second pass, and checks of values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

TurnMode = Literal["off", "silence", "semantic"]
TURN_MODES: tuple[TurnMode, ...] = ("off", "silence", "semantic")
MIN_SILENCE_MS, MAX_SILENCE_MS = 80, 10_000
MIN_TURN_SECONDS, MAX_TURN_SECONDS = 1.0, 3_600.0

Expect = Literal["none", "digits", "letters"]
"""What a turn dictates: see `TurnSettings.expect`."""
EXPECTS: tuple[Expect, ...] = ("none", "digits", "letters")
GROUP_SILENCE_MS = 1_500
"""With `TurnSettings.expect`, the least silence after a digit or a letter that ends a turn. Of 84 recordings of people
who read out a number or spell a name, 47 have a pause of more than 0.5 s, 7 of more than 1 s, and 1 of more than this.
"""

Refine = Literal["off", "on", "auto"]
"""Whether finals are decoded a second time with the model's largest right context. They are then as accurate as at its
longest latency, while interims and turn ends keep the latency of the stream: ``"on"`` for all finals, ``"auto"`` while
the server has time to spare. `Final.refined` says which finals were."""
REFINES: tuple[Refine, ...] = ("off", "on", "auto")

NumberFormat = Literal["words", "numerals", "smart"]
"""How numbers are written: see `TextFormat.numbers`."""
NUMBER_FORMATS: tuple[NumberFormat, ...] = ("words", "numerals", "smart")
MAX_REPLACEMENTS, MAX_REPLACEMENT_LENGTH = 200, 100


class InvalidMessage(ValueError):
    """A message cannot be built from these values; `field` names the one that is wrong."""

    def __init__(self, name: str, problem: str) -> None:
        super().__init__(f"{name}: {problem}")
        self.field = name


_LONGEST_REPR = 64


def brief(value: object) -> str:
    """`repr` of a peer's value, cut so that an error message does not send a megabyte back."""
    try:
        text = repr(value)
    except ValueError:  # Python writes no number of more than 4,300 digits
        return "a number of thousands of digits"
    return text if len(text) <= _LONGEST_REPR else text[:_LONGEST_REPR] + "..."


def require(condition: bool, name: str, problem: str) -> None:
    """Raises `InvalidMessage` unless the condition holds."""
    if not condition:
        raise InvalidMessage(name, problem)


# Types are checked at run time too: not every caller uses a type checker, and a message that the server cannot read
# ends the stream.


def is_text(value: object) -> bool:
    """Whether the value is a string that UTF-8 can encode: JSON can also escape half of a surrogate pair."""
    if not isinstance(value, str):
        return False
    try:
        value.encode()  # several times as fast as a look at each character: a list of key terms may have 100,000
    except UnicodeEncodeError:
        return False
    return True


def require_text(value: object, name: str) -> None:
    """Raises `InvalidMessage` unless the value is a string that UTF-8 can encode."""
    require(is_text(value), name, f"expected a string without half surrogate pairs, got {brief(value)}")


def require_whole(value: object, name: str) -> None:
    """Raises `InvalidMessage` unless the value is a whole number."""
    # bool is a subclass of int: True would be sent as `true`, which the server refuses.
    fits = isinstance(value, int) and not isinstance(value, bool)
    require(fits, name, f"expected a whole number, got {brief(value)}")


def require_number(value: object, name: str) -> None:
    """Raises `InvalidMessage` unless the value is a number."""
    fits = isinstance(value, int | float) and not isinstance(value, bool)
    require(fits, name, f"expected a number, got {brief(value)}")


def phrases(keyterms: Sequence[str]) -> tuple[str, ...]:
    """Key terms as messages carry them.

    Raises:
        InvalidMessage: They are one string, whose every letter would become a term.
    """
    require(not isinstance(keyterms, str), "keyterms", f"expected a list of phrases, got {brief(keyterms)}")
    return tuple(keyterms)


@dataclass(frozen=True, slots=True)
class TurnSettings:
    """How the server decides that a turn has ended. Silences are milliseconds, thresholds probabilities from 0 to 1.

    Attributes:
        mode: ``"off"`` leaves the decision to the client (it sends `Finalize`); ``"silence"`` ends a turn when the
            decoder has emitted no word for `silence_ms`; ``"semantic"`` when the turn has ended with at least a
            probability of `end_threshold`, by words, pauses and, where available, voice and prosody.
        silence_ms: In ``"silence"`` mode, the length of that run of silence.
        eager_silence_ms: In ``"silence"`` mode, a shorter run of silence after which the server says that the turn has
            probably ended (`TurnEagerEnd`); None for never.
        end_threshold: In ``"semantic"`` mode, the probability at which the turn has ended.
        eager_threshold: In ``"semantic"`` mode, a lower probability at which it has probably ended (`TurnEagerEnd`);
            None for never.
        min_silence_ms: In ``"semantic"`` mode, no turn ends, not even eagerly, with less silence than this.
        max_silence_ms: In ``"semantic"`` mode, every turn ends with this much silence.
        max_turn_seconds: In every mode, speech that goes on for longer gets a final after this many seconds, cut at a
            pause between two words; with turn detection its turn ends there too. 1 to 3600; None for never.
        expect: ``"digits"`` or ``"letters"`` for a turn in which somebody dictates a number or a spelling: the turn
            waits for at least `GROUP_SILENCE_MS` after a digit or a letter, and `Final`, `TurnEagerEnd` and `TurnEnd`
            say which characters were `collected`.
        no_words: Whether the server analyses the sound in modes ``"off"`` and ``"silence"`` too, to send `NoWords`; in
            ``"semantic"`` mode it does so anyway. Needs the voice signal, see `Ready.turn_signals`.
    """

    mode: TurnMode = "silence"
    silence_ms: int = 500
    eager_silence_ms: int | None = None
    end_threshold: float = 0.75
    eager_threshold: float | None = None
    min_silence_ms: int = 160
    max_silence_ms: int = 2_500
    max_turn_seconds: float | None = None
    expect: Expect = "none"
    no_words: bool = False

    def __post_init__(self) -> None:
        require(
            self.mode in TURN_MODES, "turn.mode", f"expected one of {', '.join(TURN_MODES)}, got {brief(self.mode)}"
        )
        for name in ("silence_ms", "min_silence_ms", "max_silence_ms"):
            value = getattr(self, name)
            require_whole(value, f"turn.{name}")
            fits = MIN_SILENCE_MS <= value <= MAX_SILENCE_MS
            require(fits, f"turn.{name}", f"expected {MIN_SILENCE_MS} to {MAX_SILENCE_MS}, got {brief(value)}")
        if self.eager_silence_ms is not None:
            require_whole(self.eager_silence_ms, "turn.eager_silence_ms")
        require(
            self.eager_silence_ms is None or MIN_SILENCE_MS <= self.eager_silence_ms < self.silence_ms,
            "turn.eager_silence_ms",
            f"expected {MIN_SILENCE_MS} up to less than silence_ms, got {brief(self.eager_silence_ms)}",
        )
        require(
            self.min_silence_ms <= self.max_silence_ms,
            "turn.min_silence_ms",
            f"expected at most max_silence_ms, got {brief(self.min_silence_ms)}",
        )
        self._check_thresholds()
        self._check_options()

    @property
    def longest_silence(self) -> float:
        """Seconds without a word after which a turn has certainly ended; 0 for ``"off"``.

        In ``"semantic"`` mode a turn may end earlier.
        """
        longest_ms = {"off": 0, "silence": self.silence_ms, "semantic": self.max_silence_ms}[self.mode]
        if self.expect != "none" and longest_ms:
            longest_ms = max(longest_ms, GROUP_SILENCE_MS)
        return longest_ms / 1000

    def _check_thresholds(self) -> None:
        require_number(self.end_threshold, "turn.end_threshold")
        require(0 < self.end_threshold <= 1, "turn.end_threshold", f"expected 0 to 1, got {brief(self.end_threshold)}")
        if self.eager_threshold is not None:
            require_number(self.eager_threshold, "turn.eager_threshold")
        require(
            self.eager_threshold is None or 0 < self.eager_threshold < self.end_threshold,
            "turn.eager_threshold",
            f"expected more than 0 and less than end_threshold, got {brief(self.eager_threshold)}",
        )

    def _check_options(self) -> None:
        if self.max_turn_seconds is not None:
            require_number(self.max_turn_seconds, "turn.max_turn_seconds")
        require(
            self.max_turn_seconds is None or MIN_TURN_SECONDS <= self.max_turn_seconds <= MAX_TURN_SECONDS,
            "turn.max_turn_seconds",
            f"expected {MIN_TURN_SECONDS:g} to {MAX_TURN_SECONDS:g}, got {brief(self.max_turn_seconds)}",
        )
        expected = f"expected one of {', '.join(EXPECTS)}, got {brief(self.expect)}"
        require(self.expect in EXPECTS, "turn.expect", expected)
        require(isinstance(self.no_words, bool), "turn.no_words", f"expected a boolean, got {brief(self.no_words)}")


@dataclass(frozen=True, slots=True)
class Replacement:
    """A phrase, and what is written in its place.

    Attributes:
        search: Whole words, whatever their case and the marks around them.
        replacement: As it is to be written; empty removes the phrase.
    """

    search: str
    replacement: str = ""

    def __post_init__(self) -> None:
        for name in ("search", "replacement"):
            value = getattr(self, name)
            require_text(value, f"text_format.replace.{name}")
            fits = len(value) <= MAX_REPLACEMENT_LENGTH
            require(fits, f"text_format.replace.{name}", f"expected at most {MAX_REPLACEMENT_LENGTH} characters")
        require(bool(self.search.strip()), "text_format.replace.search", "expected a phrase, got an empty one")


@dataclass(frozen=True, slots=True)
class TextFormat:
    """How the words of a stream are written, in its interims, finals and turn ends. By default, as they were said.

    Attributes:
        numbers: ``"words"`` as they were said; ``"numerals"`` writes numbers, ordinals and times in digits; ``"smart"``
            also money, percentages, dates, telephone numbers and addresses of e-mail and of the web, and leaves numbers
            below ten as words in running text. English only.
        profanity_filter: Whether profane words get asterisks after their first letter. English only.
        replace: Phrases that are written otherwise, in every language.
    """

    numbers: NumberFormat = "words"
    profanity_filter: bool = False
    replace: tuple[Replacement, ...] = ()

    def __post_init__(self) -> None:
        expected = f"expected one of {', '.join(NUMBER_FORMATS)}, got {brief(self.numbers)}"
        require(self.numbers in NUMBER_FORMATS, "text_format.numbers", expected)
        fits = isinstance(self.profanity_filter, bool)
        require(fits, "text_format.profanity_filter", f"expected a boolean, got {brief(self.profanity_filter)}")
        given: object = self.replace
        listed = isinstance(given, tuple) and all(isinstance(each, Replacement) for each in given)
        require(listed, "text_format.replace", f"expected a tuple of replacements, got {brief(given)}")
        fits = len(self.replace) <= MAX_REPLACEMENTS
        require(fits, "text_format.replace", f"expected at most {MAX_REPLACEMENTS}, got {len(self.replace)}")


AS_SAID = TextFormat()
"""The default."""
