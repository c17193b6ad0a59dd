"""The wire formats that a gateway serves over WebSockets beside its own."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence
from typing import ClassVar

from auricle.protocol.codes import CODES
from tests.torture.dialects.grammar import BINARY, TEXT, Grammar, Message, Packet, texts_of

_CLIENT_CODES = frozenset(
    code.close_code for code in CODES.values() if code.fault == "client" and code.close_code is not None
)
_SWITCHES = ("true", "false", "", "none", "True", "maybe", "\x00", "1")
_NUMBERS = ("0", "1", "-1", "16000", "8000", "48000", "4e3", "nan", "inf", "1e400", "９", "16_000", "", "9" * 400)
_LANGUAGES = ("en", "en-US", "multi", "auto", "xx", "", "de-DE,en", "\ud7ff", "e" * 3000)
_TERMS = ("Auricle", "", " ", "a" * 300, "\U0001f600", "word:1.5", "word:-3", ":::", "na\u00efve", "that it")
_ENCODINGS = (
    *("linear16", "linear16", "linear32", "mulaw", "alaw", "opus", "ogg-opus", "webm", "wav", "mp3", "aac", "flac"),
    *("speex", "", "\x00"),
)
_LATENCIES = ("80", "160", "560", "1120", "81", "-80", "", "x")


class Listen(Grammar):
    """Deepgram's live API."""

    name = "Deepgram listen"
    path = "/v1/listen"
    rate = 16_000
    right = "encoding=linear16&sample_rate=16000&interim_results=true&vad_events=true&endpointing=500"
    parameters: ClassVar[dict[str, tuple[str, ...]]] = {
        "encoding": _ENCODINGS,
        "sample_rate": _NUMBERS,
        "channels": ("1", "2", "3", "64", "65", "0", "-1", "x"),
        "multichannel": _SWITCHES,
        "language": _LANGUAGES,
        "endpointing": (*_NUMBERS, "false", "true", "10", "500"),
        "utterance_end_ms": (*_NUMBERS, "1000"),
        "interim_results": _SWITCHES,
        "vad_events": _SWITCHES,
        "punctuate": _SWITCHES,
        "smart_format": _SWITCHES,
        "numerals": _SWITCHES,
        "profanity_filter": _SWITCHES,
        "detect_language": _SWITCHES,
        "replace": (*_TERMS, "that:this", "a:" + "b" * 5000),
        "keyterm": _TERMS,
        "keywords": _TERMS,
        "latency_ms": _LATENCIES,
        "diarize": _SWITCHES,
        "redact": ("pci", "\r\nX-Evil: 1"),
        "\r\nX-Evil": ("1",),
    }
    first = ()
    corpus = texts_of(
        {"type": "KeepAlive"},
        {"type": "Finalize"},
        {"type": "CloseStream"},
        {"type": "Configure", "keyterms": ["that", "with his"], "features": {"numerals": True}},
        {"type": "Configure", "keyterms": []},
        {"type": "Configure", "features": {"smart_format": True, "profanity_filter": False}},
    )
    acting = frozenset({"KeepAlive", "Finalize", "CloseStream", "Configure"})
    refused = texts_of(
        {"type": "Configure", "keyterms": 5},
        {"type": "Configure", "keyterms": [5, None]},
        {"type": "Configure", "keyterms": ["\ud800"]},
        {"type": ["KeepAlive"]},
        {"Type": "KeepAlive"},
        ["KeepAlive"],
        "KeepAlive",
    )
    needless = texts_of({"type": "KeepAlive"}, {"type": "KeepAlive", "type2": [[]]})
    patient = True
    answers = frozenset("Results SpeechStarted UtteranceEnd Metadata ConfigureSuccess ConfigureFailure Error".split())
    faults = ("NET-0000", '"internal"')
    close_codes = frozenset({1008, 1009})
    finalize = '{"type":"Finalize"}'
    end = '{"type":"CloseStream"}'

    def audio(self, pcm: bytes) -> Packet:
        return Packet(BINARY, pcm)

    def words(self, messages: Sequence[Message]) -> str:
        finals = [each["channel"]["alternatives"][0] for each in messages if each.get("is_final")]
        return " ".join(alternative["transcript"] for alternative in finals if alternative["transcript"])

    def answered(self, messages: Sequence[Message]) -> int:
        return sum(bool(each.get("from_finalize")) for each in messages)

    def refusals(self, messages: Sequence[Message]) -> int:
        return sum(each["type"] == "Error" for each in messages)


class Flux(Grammar):
    """Deepgram's API with turns."""

    name = "Deepgram Flux"
    path = "/v2/listen"
    rate = 16_000
    right = "model=flux-general-en&encoding=linear16&sample_rate=16000&eot_threshold=1&eot_timeout_ms=500"
    parameters: ClassVar[dict[str, tuple[str, ...]]] = {
        "model": ("flux-general-en", "flux-general-multi", "flux-general-", "", "nova-3", "x" * 5000),
        "encoding": ("linear16", "linear16", "mulaw", "alaw", "opus", "", "\x00"),
        "sample_rate": _NUMBERS,
        "eot_threshold": (*_NUMBERS, "0.7", "0.9", "1e-320", "-0.0"),
        "eager_eot_threshold": (*_NUMBERS, "0.4", "0.7"),
        "eot_timeout_ms": (*_NUMBERS, "1000", "5000", "99999"),
        "keyterm": _TERMS,
        "language_hint": _LANGUAGES,
        "numerals": _SWITCHES,
        "profanity_filter": _SWITCHES,
        "latency_ms": (*_LATENCIES, "1e3", "80.5"),
        "redact": ("pci", "\r\nX-Evil: 1"),
        "tag": ("x", "\x00"),
        "\ud7ff\U0001f600": ("1",),
    }
    first = ()
    corpus = texts_of(
        {"type": "Configure", "thresholds": {"eot_threshold": 0.8, "eager_eot_threshold": 0.4, "eot_timeout_ms": 900}},
        {"type": "Configure", "keyterms": ["that"], "numerals": True, "profanity_filter": False},
        {"type": "Configure", "language_hints": ["en"]},
        {"type": "Configure", "thresholds": {"eager_eot_threshold": None}},
        {"type": "ForceEndTurn"},
        {"type": "CloseStream"},
        {"type": "KeepAlive"},
    )
    acting = frozenset({"Configure", "ForceEndTurn", "CloseStream", "KeepAlive"})
    refused = texts_of(
        {"type": "Configure", "thresholds": 5},
        {"type": "Configure", "thresholds": {"eot_threshold": "high"}},
        {"type": "Configure", "thresholds": {"eot_threshold": 0.0}},
        {"type": "Configure", "thresholds": {"eot_threshold": float("nan")}},
        {"type": "Configure", "thresholds": {"eot_timeout_ms": -(10**400)}},
        {"type": "Configure", "keyterms": {"a": 1}},
        {"type": "Configure", "keyterms": ["\ud800"]},
        {"type": "Configure", "language_hints": [None]},
        {"type": "Configure", "numerals": "yes"},
    )
    needless = texts_of({"type": "KeepAlive"})
    patient = False
    answers = frozenset("Connected TurnInfo ConfigureSuccess ConfigureFailure Warning Error".split())
    faults = ("INTERNAL_SERVER_ERROR",)
    close_codes = _CLIENT_CODES
    finalize = '{"type":"ForceEndTurn"}'
    end = '{"type":"CloseStream"}'

    def audio(self, pcm: bytes) -> Packet:
        return Packet(BINARY, pcm)

    def words(self, messages: Sequence[Message]) -> str:
        """As `Grammar.words`; those of an open turn count with its last message."""
        turns = {each["turn_index"]: each["transcript"] for each in messages if each["type"] == "TurnInfo"}
        return " ".join(filter(None, turns.values()))

    def answered(self, messages: Sequence[Message]) -> int:
        """As `Grammar.answered`: a turn that the server has ended before needs no answer."""
        return int(any(each.get("event") == "EndOfTurn" for each in messages))

    def refusals(self, messages: Sequence[Message]) -> int:
        return sum(each["type"] == "ConfigureFailure" for each in messages)


_TURNS = {"type": "server_vad", "silence_duration_ms": 500, "threshold": 0.5, "prefix_padding_ms": 300}
_HEARS = {
    "format": {"type": "audio/pcm", "rate": 16_000},
    "transcription": {"model": "gpt-transcribe", "language": "en", "prompt": "", "keywords": []},
    "turn_detection": None,
    "noise_reduction": {"type": "near_field"},
}
_SESSION = {"type": "transcription", "audio": {"input": _HEARS}, "include": []}
_SILENCE = b64encode(bytes(320)).decode()
_APPEND, _COMMIT, _CLEAR = "input_audio_buffer.append", "input_audio_buffer.commit", "input_audio_buffer.clear"
_UPDATE, _OLD_UPDATE = "session.update", "transcription_session.update"
_COMPLETED = "conversation.item.input_audio_transcription.completed"


class Realtime(Grammar):
    """OpenAI's realtime transcription, whose clients commit."""

    name = "OpenAI Realtime"
    path = "/v1/realtime"
    rate = 16_000
    right = "intent=transcription"
    parameters: ClassVar[dict[str, tuple[str, ...]]] = {
        "intent": ("transcription", "", "x"),
        "model": ("gpt-transcribe", "\x00", "", "m" * 5000, "\ud7ff"),
        "latency_ms": _LATENCIES,
    }
    first = texts_of({"type": _UPDATE, "session": _SESSION})
    corpus = (
        *first,
        *texts_of(
            {"type": _UPDATE, "session": {"audio": {"input": {"turn_detection": _TURNS}}}, "event_id": "e1"},
            {"type": _UPDATE, "session": {"audio": {"input": {"turn_detection": {"type": "semantic_vad"}}}}},
            {"type": _UPDATE, "session": {"include": ["item.input_audio_transcription.logprobs"]}},
            {"type": _UPDATE, "session": {"audio": {"input": {"transcription": {"delay": "low"}}}}},
            {"type": _OLD_UPDATE, "session": {"input_audio_format": "pcm16", "turn_detection": None}},
            {"type": _OLD_UPDATE, "session": {"input_audio_transcription": {"model": "whisper-1"}}},
            {"type": _APPEND, "audio": _SILENCE},
            {"type": _APPEND, "audio": ""},
            {"type": _COMMIT, "event_id": "e2"},
            {"type": _CLEAR},
        ),
    )
    acting = frozenset({_APPEND, _COMMIT, _CLEAR, _UPDATE, _OLD_UPDATE})
    refused = texts_of(
        {"type": _APPEND, "audio": "not base64!"},
        {"type": _APPEND, "audio": "AAA"},
        {"type": _APPEND, "audio": "\u00e9\u00e9\u00e9\u00e9"},
        {"type": _APPEND, "audio": "\ud800"},
        {"type": _APPEND, "audio": ["AAAA"]},
        {"type": _APPEND, "audio": 5, "event_id": "e3"},
        {"type": _UPDATE, "session": "transcription"},
        {"type": _UPDATE, "session": {"audio": {"input": {"format": {"type": "audio/mp3"}}}}},
        {"type": _UPDATE, "session": {"audio": {"input": {"format": {"rate": 8_000}}}}},
        {"type": _UPDATE, "session": {"audio": {"input": {"turn_detection": {"type": "none"}}}}},
        {"type": _UPDATE, "session": {"audio": {"input": {"turn_detection": {"silence_duration_ms": [5]}}}}},
        {"type": _UPDATE, "session": {"audio": {"input": {"transcription": {"language": "\ud800"}}}}},
        {"type": _UPDATE, "session": {"audio": {"input": {"noise_reduction": float("nan")}}}},
        {"type": _UPDATE, "session": {"audio": {"input": {"noise_reduction": "\ud800"}}}},
        {"type": _UPDATE, "session": {"input_audio_noise_reduction": ["near_field"]}},
        {"type": _UPDATE, "session": {"audio": {"input": {"turn_detection": {"threshold": float("inf")}}}}},
        {"type": _COMMIT, "event_id": 5},
        {"type": _COMMIT, "event_id": "\ud800"},
        {"type": "response.create"},
    )
    needless = texts_of({"type": _APPEND, "audio": ""}, {"type": _APPEND})
    patient = True
    answers = frozenset(
        {
            *("session.created", "session.updated", "transcription_session.created", "transcription_session.updated"),
            *(f"input_audio_buffer.{each}" for each in ("speech_started", "speech_stopped", "committed", "cleared")),
            *(_COMPLETED, "conversation.item.input_audio_transcription.delta", "error"),
        }
    )
    faults: tuple[str, ...] = ("server_error", '"internal"')
    close_codes = _CLIENT_CODES
    finalize = texts_of({"type": _COMMIT})[0]
    end = ""

    def audio(self, pcm: bytes) -> Packet:
        return Packet(TEXT, texts_of({"type": _APPEND, "audio": b64encode(pcm).decode()})[0].encode())

    def words(self, messages: Sequence[Message]) -> str:
        return " ".join(each["transcript"] for each in messages if each["type"] == _COMPLETED and each["transcript"])

    def answered(self, messages: Sequence[Message]) -> int:
        return sum(each["type"] == _COMPLETED for each in messages)

    def refusals(self, messages: Sequence[Message]) -> int:
        return sum(each["type"] == "error" for each in messages)


class OlderRealtime(Realtime):
    """The same in the shape before general availability."""

    name = "OpenAI Realtime, older shape"
    rate = 24_000
    first = texts_of(
        {
            "type": _OLD_UPDATE,
            "session": {"input_audio_transcription": {"model": "whisper-1"}, "turn_detection": None},
        },
    )


class Vllm(Realtime):
    """vLLM's form at the same path."""

    name = "vLLM Realtime"
    first = texts_of({"type": _UPDATE, "model": "voxtral"}, {"type": _COMMIT})
    corpus = texts_of(
        {"type": _UPDATE, "model": "voxtral"},
        {"type": _COMMIT},
        {"type": _COMMIT, "final": True},
        {"type": _APPEND, "audio": _SILENCE},
    )
    acting = frozenset({_APPEND, _COMMIT, _UPDATE})
    refused = texts_of(
        {"type": _APPEND, "audio": "not base64!"},
        {"type": _APPEND, "audio": "\u00e9\u00e9\u00e9\u00e9"},
        {"type": _APPEND, "audio": {}},
        {"type": _CLEAR},
    )
    answers = Realtime.answers | {"transcription.delta", "transcription.done"}
    faults = ('"internal"',)
    finalize = texts_of({"type": _COMMIT, "final": True})[0]

    def words(self, messages: Sequence[Message]) -> str:
        return " ".join(each["text"] for each in messages if each["type"] == "transcription.done" and each["text"])

    def answered(self, messages: Sequence[Message]) -> int:
        return sum(each["type"] == "transcription.done" for each in messages)


GRAMMARS: tuple[Grammar, ...] = (Listen(), Flux(), Realtime(), OlderRealtime(), Vllm())
