"""The wire formats that a gateway serves over WebSockets beside its own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from tests.torture.dialects.grammar import BINARY, CLIENT_CODES, LATENCIES, Grammar, Message, Packet, texts_of
from tests.torture.dialects.nim_grammar import Nim
from tests.torture.dialects.openai_grammars import OlderRealtime, Realtime, Vllm

_SWITCHES = ("true", "false", "", "none", "True", "maybe", "\x00", "1")
_NUMBERS = ("0", "1", "-1", "16000", "8000", "48000", "4e3", "nan", "inf", "1e400", "９", "16_000", "", "9" * 400)
_LANGUAGES = ("en", "en-US", "multi", "auto", "xx", "", "de-DE,en", "\ud7ff", "e" * 3000)
_TERMS = ("Auricle", "", " ", "a" * 300, "\U0001f600", "word:1.5", "word:-3", ":::", "na\u00efve", "that it")
_ENCODINGS = (
    *("linear16", "linear16", "linear32", "mulaw", "alaw", "opus", "ogg-opus", "webm", "wav", "mp3", "aac", "flac"),
    *("speex", "", "\x00"),
)


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
        "latency_ms": LATENCIES,
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
        "latency_ms": (*LATENCIES, "1e3", "80.5"),
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
        {"type": "Configure", "thresholds": {"eot_timeout_ms": -(10**400)}},
        {"type": "Configure", "keyterms": {"a": 1}},
        {"type": "Configure", "language_hints": [None]},
        {"type": "Configure", "numerals": "yes"},
    )
    needless = texts_of({"type": "KeepAlive"})
    patient = False
    answers = frozenset("Connected TurnInfo ConfigureSuccess ConfigureFailure Warning Error".split())
    faults = ("INTERNAL_SERVER_ERROR",)
    close_codes = CLIENT_CODES
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


GRAMMARS: tuple[Grammar, ...] = (Listen(), Flux(), Realtime(), OlderRealtime(), Vllm(), Nim())
