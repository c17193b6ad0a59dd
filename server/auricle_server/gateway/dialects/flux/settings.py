"""What a client of Flux asks for, as settings of a stream.

Source: deepgram-sdk 7.17, ``listen/v2`` (`client.py`, the types of ``Configure``), and Deepgram's page on Flux'
configuration.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from multidict import MultiMapping

from auricle.protocol.client_messages import MAX_SAMPLE_RATE, MIN_SAMPLE_RATE, Start
from auricle.protocol.languages import AUTO, resolve
from auricle.protocol.settings import MAX_SILENCE_MS, MIN_SILENCE_MS, TextFormat, TurnSettings, brief, require
from auricle_server.gateway.session.client_json import JsonObject
from auricle_server.gateway.session.formats.deepgram_audio import DeepgramAudio, read_audio

MULTILINGUAL = "flux-general-multi"
_NUMBERS = ("eot_threshold", "eager_eot_threshold", "eot_timeout_ms")
_SERVED = frozenset(
    {*_NUMBERS, "model", "encoding", "sample_rate", "keyterm", "language_hint", "latency_ms"}
    | {"numerals", "profanity_filter"}
)
_NEEDLESS = frozenset({"tag", "mip_opt_out"})
"""Parameters that ask for nothing that a transcript would show."""


@dataclass(frozen=True, slots=True)
class FluxSettings:
    """What may change while the stream runs.

    Attributes:
        eot_threshold: Probability at which a turn ends; 1 for never by itself.
        eager_eot_threshold: At which it has probably ended; None for never.
        eot_timeout_ms: Silence after which it ends in any case.
        keyterms: Phrases to favour.
        language_hints: Languages to expect.
        numerals: Whether numbers are written in digits.
        profanity_filter: Whether profane words are masked.

    Raises:
        InvalidMessage: A threshold is none.
    """

    eot_threshold: float = 0.7
    eager_eot_threshold: float | None = None
    eot_timeout_ms: float = 5000
    keyterms: tuple[str, ...] = ()
    language_hints: tuple[str, ...] = ()
    numerals: bool = False
    profanity_filter: bool = False

    def __post_init__(self) -> None:
        expected = "expected more than 0 and at most 1, got "
        require(0 < self.eot_threshold <= 1, "eot_threshold", expected + brief(self.eot_threshold))
        eager = self.eager_eot_threshold
        if eager is not None:
            fits = 0 < eager <= self.eot_threshold
            require(fits, "eager_eot_threshold", f"expected more than 0 up to eot_threshold, got {brief(eager)}")
        timeout = self.eot_timeout_ms
        require(timeout >= MIN_SILENCE_MS, "eot_timeout_ms", f"expected {MIN_SILENCE_MS} or more, got {brief(timeout)}")

    @property
    def timeout_ms(self) -> int:
        """The silence that ends a turn in any case: no stream waits for longer than `MAX_SILENCE_MS`."""
        return min(round(self.eot_timeout_ms), MAX_SILENCE_MS)

    @property
    def turn(self) -> TurnSettings:
        """As turn detection."""
        if self.eot_threshold == 1 and self.eager_eot_threshold is None:
            return TurnSettings("silence", silence_ms=self.timeout_ms)
        # Flux takes an eager threshold as high as the other one, with which no eager end comes before the end.
        eager = self.eager_eot_threshold
        return TurnSettings(
            "semantic",
            end_threshold=self.eot_threshold,
            eager_threshold=None if eager == self.eot_threshold else eager,
            min_silence_ms=min(TurnSettings().min_silence_ms, self.timeout_ms),
            max_silence_ms=self.timeout_ms,
        )

    @property
    def text_format(self) -> TextFormat:
        """How words are written."""
        return TextFormat("numerals" if self.numerals else "words", self.profanity_filter)

    def configured(self, message: JsonObject) -> FluxSettings:
        """With what a ``Configure`` changes: a field that it lacks stays, and lists replace the old ones.

        Raises:
            ProtocolViolation: A field has a wrong type.
            InvalidMessage: A threshold is none.
        """
        changes: dict[str, object] = {}
        thresholds = message.nested("thresholds") or JsonObject({})
        if "eager_eot_threshold" in thresholds:
            changes["eager_eot_threshold"] = thresholds.number("eager_eot_threshold")
        for name in ("eot_threshold", "eot_timeout_ms"):
            if (number := thresholds.number(name)) is not None:
                changes[name] = number
        for name in ("keyterms", "language_hints"):
            if (texts := message.texts(name)) is not None:
                changes[name] = texts
        for name in ("numerals", "profanity_filter"):
            if (flag := message.flag(name)) is not None:
                changes[name] = flag
        return replace(self, **changes)  # type: ignore[arg-type]  # each has been checked when it was read


def read_settings(query: MultiMapping[str]) -> FluxSettings:
    """The settings in a URL.

    Raises:
        InvalidMessage: A value is no number, or none that fits.
    """
    given = {name: _number(query, name) for name in _NUMBERS}
    numbers = {name: value for name, value in given.items() if value is not None}
    terms, hints = query.getall("keyterm", []), query.getall("language_hint", [])
    return FluxSettings(
        **numbers,
        keyterms=tuple(filter(None, terms)),
        language_hints=tuple(filter(None, hints)),
        numerals=query.get("numerals", "").lower() == "true",
        profanity_filter=query.get("profanity_filter", "").lower() == "true",
    )


def read_start(
    query: MultiMapping[str], settings: FluxSettings, languages: tuple[str, ...]
) -> tuple[Start, DeepgramAudio]:
    """The stream that a URL asks for, and how its audio comes.

    Args:
        query: Of the URL.
        settings: In it.
        languages: What the model offers.

    Raises:
        InvalidMessage: The server has no such stream.
        BadRequest: It cannot read such audio.
    """
    given, latency_ms = _number(query, "sample_rate"), _number(query, "latency_ms")
    fits = given is None or (given == int(given) and MIN_SAMPLE_RATE <= given <= MAX_SAMPLE_RATE)
    require(fits, "sample_rate", f"expected {MIN_SAMPLE_RATE} to {MAX_SAMPLE_RATE}, got {brief(given)}")
    audio, rate = read_audio(query.get("encoding", ""), None if given is None else int(given))
    start = Start(
        encoding=audio.session_encoding,
        sample_rate=rate,
        latency_ms=None if latency_ms is None else int(latency_ms),
        language=language_of(query.get("model", ""), settings.language_hints, languages),
        turn=settings.turn,
        keyterms=settings.keyterms,
        interim_words=True,
        text_format=settings.text_format,
    )
    return start, audio


def language_of(model: str, hints: tuple[str, ...], offered: tuple[str, ...]) -> str | None:
    """The language to decode, of those offered; None for the model's default."""
    wanted = model.rpartition("-")[2]
    if model == MULTILINGUAL:
        wanted = hints[0] if len(hints) == 1 else AUTO
    return wanted if resolve(wanted, offered) is not None else None


def unserved(query: MultiMapping[str]) -> Iterator[str]:
    """Names of the parameters that ask for something that this server does not do."""
    for name in dict.fromkeys(query):
        if name not in _SERVED | _NEEDLESS and query[name].lower() not in {"false", ""}:
            yield name
    if (timeout := _number(query, "eot_timeout_ms")) is not None and timeout > MAX_SILENCE_MS:
        yield f"eot_timeout_ms above {MAX_SILENCE_MS}"


def _number(query: MultiMapping[str], name: str) -> float | None:
    text = query.get(name)
    if not text:
        return None
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    require(abs(value) < 1e9, name, f"expected a number, got {brief(text)}")  # false for nan and infinity
    return value
