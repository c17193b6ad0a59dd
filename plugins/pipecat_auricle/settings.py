"""The settings of the service, and the messages that carry them to the server."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeVar

from pipecat.services.settings import STTSettings
from pipecat.utils.types import NOT_GIVEN, NotGiven, assert_given

from auricle.protocol.client_messages import MIN_SAMPLE_RATE, Start, Update
from auricle.protocol.settings import (
    AS_SAID,
    REFINES,
    Expect,
    InvalidMessage,
    Refine,
    TextFormat,
    TurnSettings,
    require,
)

TurnDetection = Literal["vad", "server"]
"""Who detects turns.

``"vad"``: Pipecat, by its voice detection and turn strategies. At each stop of the voice detection the server finalizes
what was said, which takes one engine step; the answer is marked as the last of the utterance, so that the turn need not
wait for a timeout.

``"server"``: the server, on the chunk clock: after `AuricleSTTSettings.silence_ms` without a word, or with
``turn_mode="semantic"`` when the turn has probably ended by its words and sound. With `eager_silence_ms`, in semantic
mode `eager_threshold`, the language model may begin to answer before the end is certain.
"""
TURN_DETECTIONS: tuple[TurnDetection, ...] = ("vad", "server")

TurnMode = Literal["silence", "semantic"]
TURN_MODES: tuple[TurnMode, ...] = ("silence", "semantic")

_TURN = frozenset(
    {
        "turn_mode",
        "silence_ms",
        "eager_silence_ms",
        "end_threshold",
        "eager_threshold",
        "min_silence_ms",
        "max_silence_ms",
        "max_turn_seconds",
        "expect",
        "no_words",
    }
)
UPDATABLE = _TURN | {"language", "latency_ms", "keyterms", "refine", "text_format"}
"""The settings that a running stream follows from its next chunk on."""

TTFS_P99 = 0.35
"""Seconds from the end of speech to the final transcript, 99th percentile; Pipecat's voice detection takes 0.2 of them
to report the stop. With the demo model on two CPU cores, 160 utterances in real time had medians of 0.22 and 99th
percentiles of 0.23 to 0.24 at chunk latencies of 80 to 1120 ms (`tests/bench/bench_pipecat_finals.py`); the rest is for
the network and for a server with more to do."""

T = TypeVar("T")


@dataclass
class AuricleSTTSettings(STTSettings):
    """Settings of `AuricleSTTService`; every field but `model` can be changed while the agent runs.

    Changes travel in band, on the open stream: nothing is reconnected and no audio is lost.

    Attributes:
        model: Name of the model, of a server with several; None, the default, for the server's default. After the first
            connection, the name of the model that the server runs.
        language: A Pipecat `Language`, a BCP-47 code, ``"auto"`` where the model detects the language, or None for
            the model's default.
        latency_ms: Chunk latency in milliseconds, one of those that the model offers; None for the server's default.
            A smaller one gives earlier words, a larger one fewer errors.
        turn_mode: With ``turn_detection="server"``, how it detects the end: ``"silence"``, the default, by silence
            alone; ``"semantic"`` by the words and the sound, so that a turn that is complete ends soon, and one that
            breaks off in mid-sentence gets time.
        silence_ms: In ``"silence"`` mode, the milliseconds without a word after which a turn has ended.
        eager_silence_ms: In ``"silence"`` mode, fewer milliseconds, after which the language model may begin to answer
            because the turn has probably ended. The answer is held until that is certain, and dropped when the user
            goes on. None, the default, for never: each eager end costs an inference.
        end_threshold: In ``"semantic"`` mode, the probability, from 0 to 1, from which on a turn has ended. A smaller
            one answers sooner, a larger one interrupts less.
        eager_threshold: In ``"semantic"`` mode, a lower probability from which on the language model may begin to
            answer, as with `eager_silence_ms`; None, the default, for never.
        min_silence_ms: In ``"semantic"`` mode, no turn ends with fewer milliseconds of silence, not even eagerly.
        max_silence_ms: In ``"semantic"`` mode, every turn ends with this many.
        max_turn_seconds: Speech that goes on for longer gets a final after this many seconds, cut at a pause between
            two words, whoever detects turns; the server's turns end there too. None, the default, for never.
        expect: ``"digits"`` or ``"letters"`` while the user dictates a number or a spelling, ``"none"`` otherwise. The
            server's turns then wait longer between the groups; ``result.collected`` of a `TranscriptionFrame` has the
            characters.
        no_words: Whether the server says that a voice was heard and has no words (`NoWords`) even where it need not
            analyse the sound to detect turns; in ``"semantic"`` mode it says so anyway.
        keyterms: Phrases to favour, where the server's model can.
        refine: Whether finals are decoded a second time, as accurately as at the model's longest latency, while
            interims and turn ends come at that of `latency_ms`: ``"off"``, the default, ``"on"``, or ``"auto"``, while
            the server has time to spare. ``result.refined`` of a `TranscriptionFrame` says which were.
        text_format: How the words are written: numbers, money and dates as people write them, profane words masked,
            phrases replaced. An `auricle.TextFormat`; by default as they were said.
    """

    # Factories, as in Pipecat's own settings: NOT_GIVEN marks what a change leaves alone, and None is a value.
    latency_ms: int | None | NotGiven = field(default_factory=lambda: NOT_GIVEN)
    turn_mode: TurnMode | NotGiven = field(default_factory=lambda: NOT_GIVEN)
    silence_ms: int | NotGiven = field(default_factory=lambda: NOT_GIVEN)
    eager_silence_ms: int | None | NotGiven = field(default_factory=lambda: NOT_GIVEN)
    end_threshold: float | NotGiven = field(default_factory=lambda: NOT_GIVEN)
    eager_threshold: float | None | NotGiven = field(default_factory=lambda: NOT_GIVEN)
    min_silence_ms: int | NotGiven = field(default_factory=lambda: NOT_GIVEN)
    max_silence_ms: int | NotGiven = field(default_factory=lambda: NOT_GIVEN)
    max_turn_seconds: float | None | NotGiven = field(default_factory=lambda: NOT_GIVEN)
    expect: Expect | NotGiven = field(default_factory=lambda: NOT_GIVEN)
    no_words: bool | NotGiven = field(default_factory=lambda: NOT_GIVEN)
    keyterms: Sequence[str] | NotGiven = field(default_factory=lambda: NOT_GIVEN)
    refine: Refine | NotGiven = field(default_factory=lambda: NOT_GIVEN)
    text_format: TextFormat | NotGiven = field(default_factory=lambda: NOT_GIVEN)


def complete_settings(given: AuricleSTTSettings | None, detection: TurnDetection) -> AuricleSTTSettings:
    """Returns the settings that a service starts with: the defaults, changed by what was given.

    Raises:
        ValueError: `detection` is unknown, or a setting is out of range.
    """
    if detection not in TURN_DETECTIONS:
        raise ValueError(f"turn_detection: expected one of {', '.join(TURN_DETECTIONS)}, got {detection!r}")
    turn = TurnSettings()
    settings = AuricleSTTSettings(
        model=None,
        language=None,
        latency_ms=None,
        turn_mode="silence",
        silence_ms=turn.silence_ms,
        eager_silence_ms=None,
        end_threshold=turn.end_threshold,
        eager_threshold=None,
        min_silence_ms=turn.min_silence_ms,
        max_silence_ms=turn.max_silence_ms,
        max_turn_seconds=None,
        expect="none",
        no_words=False,
        keyterms=(),
        refine="off",
        text_format=AS_SAID,
    )
    if given is not None:
        settings.apply_update(given)
    start_message(settings, detection, MIN_SAMPLE_RATE)
    return settings


def start_message(settings: AuricleSTTSettings, detection: TurnDetection, sample_rate: int) -> Start:
    """Builds the message that opens a stream with these complete settings.

    Raises:
        InvalidMessage: A setting is out of range; `field` names it.
    """
    return Start(
        sample_rate=sample_rate,
        latency_ms=_milliseconds(settings, "latency_ms"),
        language=_language(settings),
        turn=turn_settings(settings, detection),
        keyterms=_keyterms(settings),
        refine=_refine(settings),
        text_format=_text_format(settings),
    )


def update_message(settings: AuricleSTTSettings, detection: TurnDetection, changed: Iterable[str]) -> Update:
    """Builds the message that brings the new values of the `changed` fields to a running stream.

    Raises:
        InvalidMessage: A setting is out of range; `field` names it.
    """
    names = set(changed)
    return Update(
        latency_ms=_milliseconds(settings, "latency_ms") if "latency_ms" in names else None,
        language=_language(settings) if "language" in names else None,
        turn=turn_settings(settings, detection) if names & _TURN else None,
        keyterms=_keyterms(settings) if "keyterms" in names else None,
        refine=_refine(settings) if "refine" in names else None,
        text_format=_text_format(settings) if "text_format" in names else None,
    )


def turn_settings(settings: AuricleSTTSettings, detection: TurnDetection) -> TurnSettings:
    """The turn detection of the server with these complete settings; mode ``"off"`` when Pipecat detects turns.

    Raises:
        InvalidMessage: A setting is out of range; `field` names it.
    """
    mode: TurnMode = assert_given(settings.turn_mode)
    require(mode in TURN_MODES, "turn_mode", f"expected one of {', '.join(TURN_MODES)}, got {mode!r}")
    return TurnSettings(
        mode=mode if detection == "server" else "off",
        silence_ms=_named("silence_ms", _milliseconds(settings, "silence_ms")),
        eager_silence_ms=_milliseconds(settings, "eager_silence_ms"),
        end_threshold=_named("end_threshold", _probability(settings, "end_threshold")),
        eager_threshold=_probability(settings, "eager_threshold"),
        min_silence_ms=_named("min_silence_ms", _milliseconds(settings, "min_silence_ms")),
        max_silence_ms=_named("max_silence_ms", _milliseconds(settings, "max_silence_ms")),
        max_turn_seconds=_number(settings, "max_turn_seconds", "seconds"),
        expect=assert_given(settings.expect),
        no_words=assert_given(settings.no_words),
    )


def eager(turn: TurnSettings) -> bool:
    """Whether the server is asked for eager ends: that a turn has probably ended."""
    asked = {"off": None, "silence": turn.eager_silence_ms, "semantic": turn.eager_threshold}
    return asked[turn.mode] is not None


# Pipecat's settings objects take values of any type, so the types are checked here.


def _milliseconds(settings: AuricleSTTSettings, name: str) -> int | None:
    value = assert_given(getattr(settings, name))
    # Not isinstance: True is an int as well.
    if value is not None and type(value) is not int:
        raise InvalidMessage(name, f"expected a whole number of milliseconds, got {value!r}")
    return value


def _probability(settings: AuricleSTTSettings, name: str) -> float | None:
    return _number(settings, name, "a probability")


def _number(settings: AuricleSTTSettings, name: str, what: str) -> float | None:
    value = assert_given(getattr(settings, name))
    if value is not None and type(value) not in {int, float}:
        raise InvalidMessage(name, f"expected {what}, got {value!r}")
    return None if value is None else float(value)


def _named(name: str, value: T | None) -> T:
    if value is None:
        raise InvalidMessage(name, "expected a number, got None")
    return value


def _language(settings: AuricleSTTSettings) -> str | None:
    language = assert_given(settings.language)
    if language is not None and not isinstance(language, str):
        raise InvalidMessage("language", f"expected a language code, got {language!r}")
    return None if language is None else str(language)


def _keyterms(settings: AuricleSTTSettings) -> tuple[str, ...]:
    keyterms: object = assert_given(settings.keyterms)
    if isinstance(keyterms, list | tuple) and all(isinstance(term, str) for term in keyterms):
        return tuple(keyterms)
    raise InvalidMessage("keyterms", f"expected a list of phrases, got {keyterms!r}")


def _refine(settings: AuricleSTTSettings) -> Refine:
    refine: Refine = assert_given(settings.refine)
    require(refine in REFINES, "refine", f"expected one of {', '.join(REFINES)}, got {refine!r}")
    return refine


def _text_format(settings: AuricleSTTSettings) -> TextFormat:
    text_format: object = assert_given(settings.text_format)
    if isinstance(text_format, TextFormat):
        return text_format
    raise InvalidMessage("text_format", f"expected an auricle.TextFormat, got {text_format!r}")
