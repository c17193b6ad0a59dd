"""The session that a client of OpenAI's realtime transcription asks for, as settings of a stream.

Source: the types of the `openai` package, 3.57, ``types/realtime`` (the current shape, ``session.update``) and
``types/beta/realtime`` (the older one, ``transcription_session.update``).
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from auricle.protocol.client_messages import Encoding, Start, Update
from auricle.protocol.languages import AUTO, resolve
from auricle.protocol.server_messages import Limits
from auricle.protocol.settings import (
    AS_SAID,
    MAX_SILENCE_MS,
    MIN_SILENCE_MS,
    TextFormat,
    TurnSettings,
    brief,
    require,
)
from auricle_server.gateway.session.client_json import JsonObject
from auricle_server.gateway.session.prompt_keyterms import prompt_keyterms
from auricle_server.model_info import ModelInfo

PCM_RATE, G711_RATE = 24_000, 8_000
_FORMATS: dict[str, tuple[Encoding, int]] = {
    "audio/pcm": ("pcm_s16le", PCM_RATE),
    "audio/pcmu": ("mulaw", G711_RATE),
    "audio/pcma": ("alaw", G711_RATE),
    "pcm16": ("pcm_s16le", PCM_RATE),
    "g711_ulaw": ("mulaw", G711_RATE),
    "g711_alaw": ("alaw", G711_RATE),
}
_SHOWN: dict[Encoding, tuple[str, str]] = {
    "pcm_s16le": ("audio/pcm", "pcm16"),
    "mulaw": ("audio/pcmu", "g711_ulaw"),
    "alaw": ("audio/pcma", "g711_alaw"),
}
"""Names of an encoding in the current and in the older shape."""
_CLIENT_ENDS_TURNS = ("gpt-realtime-whisper", "gpt-live-transcribe")
"""Beginnings of the names of models that take no ``turn_detection``: their clients commit."""
_EAGERNESS = {"low": (0.85, 8_000), "medium": (0.75, 4_000), "auto": (0.75, 4_000), "high": (0.6, 2_000)}
"""Of ``semantic_vad``: the probability at which a turn ends, and OpenAI's longest wait in milliseconds."""
_DELAYS = ("minimal", "low", "medium", "high", "xhigh")
DEFAULT_TURN_DETECTION: dict[str, Any] = {
    "type": "server_vad",
    "threshold": 0.5,
    "prefix_padding_ms": 300,
    "silence_duration_ms": 500,
}
_TEXTS = ("type", "eagerness")
_NUMBERS = ("threshold", "prefix_padding_ms", "silence_duration_ms", "idle_timeout_ms")
_FLAGS = ("create_response", "interrupt_response")
"""Fields of turn detection and of noise reduction, by what they hold."""
LOGPROBS = "item.input_audio_transcription.logprobs"


@dataclass(frozen=True, slots=True)
class RealtimeConfig:
    """A session's settings.

    Attributes:
        encoding: Of the audio.
        sample_rate: Of the audio.
        model: That the client asks for.
        languages: That it expects; one is decoded as such, of several the model finds out which.
        keywords: Phrases to favour.
        prompt: Names further ones.
        delay: How long words may wait; None for the model's default.
        turn_detection: As the client has given it; None where the client ends turns itself, with commits.
        noise_reduction: As the client has given it. The models hear noise as it is.
        include: What the client wants besides.
        latency_ms: Chunk latency in the URL; None for that of `delay`.
        text_format: How words are written.
    """

    encoding: Encoding = "pcm_s16le"
    sample_rate: int = PCM_RATE
    model: str = ""
    languages: tuple[str, ...] = ()
    keywords: tuple[str, ...] = ()
    prompt: str = ""
    delay: str | None = None
    turn_detection: dict[str, Any] | None = field(default_factory=DEFAULT_TURN_DETECTION.copy)
    noise_reduction: dict[str, Any] | None = None
    include: tuple[str, ...] = ()
    latency_ms: int | None = None
    text_format: TextFormat = AS_SAID

    @property
    def detects_turns(self) -> bool:
        """Whether the server ends turns."""
        return self.turn_detection is not None

    @property
    def turn(self) -> TurnSettings:
        """As turn detection.

        Raises:
            InvalidMessage: It is none that OpenAI has.
            ProtocolViolation: A field has a wrong type.
        """
        if self.turn_detection is None:
            return TurnSettings("off")
        given = JsonObject(self.turn_detection, "turn_detection.")
        kind = given.text("type") or "server_vad"
        if kind == "server_vad":
            silence = given.number("silence_duration_ms")
            silence_ms = DEFAULT_TURN_DETECTION["silence_duration_ms"] if silence is None else round(silence)
            return TurnSettings("silence", silence_ms=min(max(silence_ms, MIN_SILENCE_MS), MAX_SILENCE_MS))
        require(
            kind == "semantic_vad", "turn_detection.type", f"expected server_vad or semantic_vad, got {brief(kind)}"
        )
        eagerness = given.text("eagerness") or "auto"
        expected = f"expected one of {', '.join(_EAGERNESS)}, got {brief(eagerness)}"
        require(eagerness in _EAGERNESS, "turn_detection.eagerness", expected)
        threshold, longest_ms = _EAGERNESS[eagerness]
        return TurnSettings("semantic", end_threshold=threshold, max_silence_ms=longest_ms)

    def language(self, offered: tuple[str, ...]) -> str | None:
        """The language to decode; None for the model's default."""
        if len(self.languages) == 1:
            return self.languages[0]
        detects = resolve(AUTO, offered) is not None
        return AUTO if detects else self.languages[0] if self.languages else None

    def latency(self, latencies_ms: tuple[int, ...]) -> int | None:
        """The chunk latency, of those offered; None for the model's default."""
        if self.latency_ms is not None or self.delay is None or not latencies_ms:
            return self.latency_ms
        return latencies_ms[round(_DELAYS.index(self.delay) * (len(latencies_ms) - 1) / (len(_DELAYS) - 1))]

    def start(self, model: ModelInfo | None, limits: Limits) -> Start:
        """The stream.

        Args:
            model: What the server serves.
            limits: Of the stream.

        Raises:
            InvalidMessage: The server has no such stream.
        """
        return Start(
            encoding=self.encoding,
            sample_rate=self.sample_rate,
            latency_ms=self.latency(() if model is None else model.latencies_ms),
            language=self.language(() if model is None else model.languages),
            turn=self.turn,
            keyterms=prompt_keyterms(self.prompt, self.keywords, limits),
            text_format=self.text_format,
        )

    def update(self, old: RealtimeConfig, model: ModelInfo | None, limits: Limits) -> Update:
        """What changes a stream that has the settings `old`.

        Raises:
            InvalidMessage: That cannot change, or not so.
        """
        same = (self.encoding, self.sample_rate) == (old.encoding, old.sample_rate)
        require(same, "format", "the format of the audio stays as it was in the first update; open another connection")
        before, after = old.start(model, limits), self.start(model, limits)
        return Update(
            latency_ms=None if after.latency_ms == before.latency_ms else after.latency_ms,
            language=None if after.language == before.language else after.language,
            turn=None if after.turn == before.turn else after.turn,
            keyterms=None if after.keyterms == before.keyterms else after.keyterms,
        )

    def changed(self, session: JsonObject) -> RealtimeConfig:
        """With what an update names, in either shape: a field that it lacks stays.

        Raises:
            ProtocolViolation: A field has a wrong type.
            InvalidMessage: A value is none that OpenAI has.
        """
        audio = session.nested("audio") or JsonObject({})
        given = audio.nested("input") or JsonObject({})
        config = _with_format(self, given.nested("format")) if "format" in given else self
        config = _with_old_format(config, session)
        for holder, name in ((given, "transcription"), (session, "input_audio_transcription")):
            if (transcription := holder.nested(name)) is not None:
                config = _with_transcription(config, transcription)
        for holder in (given, session):
            if "turn_detection" in holder:
                config = replace(config, turn_detection=_known_fields(holder.nested("turn_detection")))
        for holder, name in ((given, "noise_reduction"), (session, "input_audio_noise_reduction")):
            if name in holder:
                config = replace(config, noise_reduction=_known_fields(holder.nested(name)))
        include = session.texts("include")
        return config if include is None else replace(config, include=include)

    def as_session(self, session_id: str, *, older: bool) -> dict[str, Any]:
        """The object ``session`` of the answers.

        Args:
            session_id: Names it.
            older: Whether in the older shape.
        """
        transcription: dict[str, Any] = {"model": self.model, "prompt": self.prompt}
        if self.languages:
            transcription |= {"language": self.languages[0], "languages": list(self.languages)}
        if self.keywords:
            transcription["keywords"] = list(self.keywords)
        current, old = _SHOWN[self.encoding]
        about: dict[str, Any] = {"id": session_id, "object": "realtime.transcription_session"}
        if older:
            return about | {
                "input_audio_format": old,
                "input_audio_transcription": transcription,
                "turn_detection": self.turn_detection,
                "input_audio_noise_reduction": self.noise_reduction,
                "include": list(self.include),
            }
        rate = {"rate": self.sample_rate} if self.encoding == "pcm_s16le" else {}
        given = {
            "format": {"type": current, **rate},
            "transcription": transcription,
            "turn_detection": self.turn_detection,
            "noise_reduction": self.noise_reduction,
        }
        return about | {"type": "transcription", "audio": {"input": given}, "include": list(self.include)}


def _known_fields(given: JsonObject | None) -> dict[str, Any] | None:
    """The fields of turn detection, or of noise reduction, that OpenAI has: they go back to the client in answers.

    Raises:
        ProtocolViolation: A field has a wrong type.
    """
    if given is None:
        return None
    readers = {given.text: _TEXTS, given.number: _NUMBERS, given.flag: _FLAGS}
    return {name: read(name) for read, names in readers.items() for name in names if name in given}


def _with_format(config: RealtimeConfig, given: JsonObject | None) -> RealtimeConfig:
    if given is None:
        return config
    name = given.text("type") or "audio/pcm"
    require(
        name in _FORMATS,
        "audio.input.format.type",
        f"expected audio/pcm, audio/pcmu or audio/pcma, got {brief(name)}",
    )
    encoding, rate = _FORMATS[name]
    wanted = given.number("rate") if encoding == "pcm_s16le" else None
    return replace(config, encoding=encoding, sample_rate=rate if wanted is None else int(wanted))


def _with_old_format(config: RealtimeConfig, session: JsonObject) -> RealtimeConfig:
    name = session.text("input_audio_format")
    if name is None:
        return config
    require(name in _FORMATS, "input_audio_format", f"expected pcm16, g711_ulaw or g711_alaw, got {brief(name)}")
    encoding, rate = _FORMATS[name]
    return replace(config, encoding=encoding, sample_rate=rate)


def _with_transcription(config: RealtimeConfig, given: JsonObject) -> RealtimeConfig:
    changes: dict[str, Any] = {}
    for name in ("model", "prompt"):
        if (text := given.text(name)) is not None:
            changes[name] = text
    if (keywords := given.texts("keywords")) is not None:
        changes["keywords"] = keywords
    languages = given.texts("languages") or given.texts("language")
    if languages is not None:
        changes["languages"] = tuple(filter(None, languages))
    if (delay := given.text("delay")) is not None:
        require(delay in _DELAYS, "transcription.delay", f"expected one of {', '.join(_DELAYS)}, got {brief(delay)}")
        changes["delay"] = delay
    if changes.get("model", "").startswith(_CLIENT_ENDS_TURNS):
        changes["turn_detection"] = None
    return replace(config, **changes)
