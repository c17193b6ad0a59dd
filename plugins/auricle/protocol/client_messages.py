"""The messages of a client, in the native protocol, version 1.

JSON text messages; audio goes between them in binary messages, in the encoding and at the rate of the `Start`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar, Literal, cast

from auricle.protocol.settings import (
    AS_SAID,
    REFINES,
    Refine,
    TextFormat,
    TurnSettings,
    brief,
    require,
    require_text,
    require_whole,
)

# In a header because the token is a secret: proxies write urls to their logs, and headers seldom.
RESUME_HEADER = "Auricle-Resume"
"""Of an upgrade request: see `Ready.resume_token`."""
# 4000 to 4999 are for private use (RFC 6455, section 7.4.2), and a page may send no others.
RETURNS_CLOSE_CODE = 4000
"""Of a client's close frame: the server keeps the stream as after a cut, which a page cannot bring about."""
PROTOCOL_VERSION = 1
"""The version that this package speaks; `Start.version` must equal it."""

Encoding = Literal["pcm_s16le", "mulaw", "alaw"]

ENCODINGS: tuple[Encoding, ...] = ("pcm_s16le", "mulaw", "alaw")
# ITU-T G.711 has 8 bits a sample, so its audio cannot be cut inside one; PCM can.
SAMPLE_BYTES: dict[Encoding, int] = {"pcm_s16le": 2, "mulaw": 1, "alaw": 1}
# 8 kHz is the rate of G.711 telephony, 48 kHz that of Opus in WebRTC.
MIN_SAMPLE_RATE, MAX_SAMPLE_RATE = 8_000, 48_000
MAX_ID_LENGTH = 128
MAX_MODEL_LENGTH = 256


def _check_settings(latency_ms: object, language: object, keyterms: object) -> None:
    """Checks types and spelling only; whether the server offers these values is the server's decision."""
    if latency_ms is not None:
        require_whole(latency_ms, "latency_ms")
    if language is not None:
        require_text(language, "language")
    if keyterms is not None:
        require(isinstance(keyterms, tuple), "keyterms", f"expected a tuple of phrases, got {brief(keyterms)}")
        for term in cast("tuple[object, ...]", keyterms):
            require_text(term, "keyterms")


@dataclass(frozen=True, slots=True)
class Start:
    """Opens the stream; the first message of every connection.

    Attributes:
        version: Protocol version, `PROTOCOL_VERSION`.
        encoding: How the binary messages encode mono audio.
        sample_rate: Samples per second of that audio.
        latency_ms: Chunk latency; None takes the server's default. `Ready.latencies_ms` lists what the model offers.
        language: BCP-47 code in any usual form, ``"auto"`` for detection by the model, or None for the model's
            default; see `auricle.protocol.languages`.
        turn: Turn detection.
        keyterms: Phrases to favour: names and words that the model would otherwise take for others. At most
            `Limits.keyterms`; a server that takes none refuses a non-empty list. Upper and lower case are the same.
        words: Whether finals carry words with times and confidence.
        interim_words: Whether interims carry them, too.
        refine: Whether finals are decoded a second time, see `Refine`.
        offline: For files: the stream has the model's largest latency, may be sent as fast as the server reads, and
            is decoded faster than real time while no live stream needs the server's time.
        text_format: How the words are written: numbers, money and dates, profane words, replacements.
        signals: Whether the server says after each chunk what it knows of the turn (`Signals`). It then analyses the
            sound in every mode, where it has the voice signal.
        model: Name of the model, of a server with several; None takes the server's default.
    """

    TYPE: ClassVar[str] = "start"
    version: int = PROTOCOL_VERSION
    encoding: Encoding = "pcm_s16le"
    sample_rate: int = 16_000
    latency_ms: int | None = None
    language: str | None = None
    turn: TurnSettings = field(default_factory=TurnSettings)
    keyterms: tuple[str, ...] = ()
    words: bool = True
    refine: Refine = "off"
    offline: bool = False
    interim_words: bool = False
    text_format: TextFormat = AS_SAID
    signals: bool = False
    model: str | None = None

    def __post_init__(self) -> None:
        if self.model is not None:
            require_text(self.model, "model")
            require(0 < len(self.model) <= MAX_MODEL_LENGTH, "model", f"expected 1 to {MAX_MODEL_LENGTH} characters")
        _check_settings(self.latency_ms, self.language, self.keyterms)
        require_whole(self.sample_rate, "sample_rate")
        require(self.encoding in ENCODINGS, "encoding", f"expected one of {', '.join(ENCODINGS)}")
        require(
            MIN_SAMPLE_RATE <= self.sample_rate <= MAX_SAMPLE_RATE,
            "sample_rate",
            f"expected {MIN_SAMPLE_RATE} to {MAX_SAMPLE_RATE}, got {brief(self.sample_rate)}",
        )
        require(self.latency_ms is None or self.latency_ms > 0, "latency_ms", "expected a positive number")
        given = self.offline and self.latency_ms is not None
        require(not given, "latency_ms", "an offline stream has the model's largest; leave it out")
        require(self.refine in REFINES, "refine", f"expected one of {', '.join(REFINES)}, got {brief(self.refine)}")


@dataclass(frozen=True, slots=True)
class Update:
    """Changes a running stream from its next chunk on; None leaves a setting as it is."""

    TYPE: ClassVar[str] = "update"
    latency_ms: int | None = None
    language: str | None = None
    turn: TurnSettings | None = None
    keyterms: tuple[str, ...] | None = None
    refine: Refine | None = None
    text_format: TextFormat | None = None

    def __post_init__(self) -> None:
        _check_settings(self.latency_ms, self.language, self.keyterms)
        fits = self.refine is None or self.refine in REFINES
        require(fits, "refine", f"expected one of {', '.join(REFINES)}, got {brief(self.refine)}")


@dataclass(frozen=True, slots=True)
class Finalize:
    """Everything said so far becomes final now; the answer is the `Final` whose `finalize_id` is this `id`."""

    TYPE: ClassVar[str] = "finalize"
    id: str

    def __post_init__(self) -> None:
        require_text(self.id, "id")
        require(0 < len(self.id) <= MAX_ID_LENGTH, "id", f"expected 1 to {MAX_ID_LENGTH} characters")


@dataclass(frozen=True, slots=True)
class End:
    """No more audio will come: flush, send the last events and close."""

    TYPE: ClassVar[str] = "end"


ClientMessage = Start | Update | Finalize | End
Outgoing = bytes | Update | Finalize | End
"""What a client sends after its `Start`; bytes are audio."""
