"""OpenAI's realtime transcription in both of its shapes, and vLLM's form of it."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence
from typing import ClassVar

from tests.torture.dialects.grammar import CLIENT_CODES, LATENCIES, TEXT, Grammar, Message, Packet, texts_of

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
        "latency_ms": LATENCIES,
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
    close_codes = CLIENT_CODES
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
