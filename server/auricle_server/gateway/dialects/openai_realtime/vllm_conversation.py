"""vLLM's form of realtime transcription at the same path: one recording or utterance after the other, without turns.

Source: the shape of vLLM's ``/v1/realtime``. A client of vLLM begins with ``session.update`` and a ``model`` in the
message itself, where a client of OpenAI has a ``session``.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from auricle.protocol import codes
from auricle.protocol.client_messages import Finalize, Start
from auricle.protocol.codes import ProtocolViolation
from auricle.protocol.server_messages import Error, Final, Interim
from auricle.protocol.settings import TextFormat, TurnSettings, brief
from auricle.protocol.states import AudioReceived
from auricle_server.gateway.dialects.openai_realtime.items import RealtimeItem
from auricle_server.gateway.dialects.openai_realtime.realtime_config import RealtimeConfig
from auricle_server.gateway.session.client_json import JsonObject, to_json
from auricle_server.gateway.session.dialect import AudioProgress, Input, LateReply, Output
from auricle_server.model_info import ModelInfo

SAMPLE_RATE = 16_000


def is_vllm(message: JsonObject) -> bool:
    """Whether the first message of a connection is one of vLLM's."""
    return message.values.get("type") == "session.update" and "model" in message and "session" not in message


class VllmConversation:
    """One client of vLLM's form.

    Args:
        language: To decode; None for the model's default.
        latency_ms: Chunk latency; None for the model's default.
        text_format: How words are written.
    """

    def __init__(self, language: str | None, latency_ms: int | None, text_format: TextFormat) -> None:
        self._start = Start(
            sample_rate=SAMPLE_RATE,
            language=language,
            latency_ms=latency_ms,
            turn=TurnSettings("off"),
            text_format=text_format,
        )
        self._started = False
        self._rest = b""
        self._commits = 0
        self._audio_time = 0.0
        self._item = RealtimeItem("", 0.0)

    @classmethod
    def of(cls, config: RealtimeConfig, model: ModelInfo | None) -> VllmConversation:
        """A client of this model, with what its URL asks for."""
        languages = () if model is None else model.languages
        return cls(config.language(languages), config.latency_ms, config.text_format)

    def receive(self, message: JsonObject) -> Sequence[Input]:
        """What a message means.

        Raises:
            ProtocolViolation: It is none; the conversation goes on.
        """
        match message.text("type"):
            case "session.update":
                return self._first()
            case "input_audio_buffer.append":
                return self._append(message)
            case "input_audio_buffer.commit":
                # The first commit only says that audio follows.
                if message.values.get("final") is not True:
                    return self._first()
                self._commits += 1
                return *self._first(), Finalize(f"commit {self._commits}")
        kind = brief(message.values.get("type"))
        raise ProtocolViolation(codes.UNKNOWN_MESSAGE, f"this server transcribes; it knows no event of the type {kind}")

    def _first(self) -> Sequence[Input]:
        if self._started:
            return ()
        self._started = True
        return (self._start,)

    def _append(self, message: JsonObject) -> Sequence[Input]:
        data = self._rest + message.audio("audio")
        whole = len(data) // 2 * 2
        self._rest = data[whole:]
        return (*self._first(), AudioReceived(data[:whole])) if whole else ()

    def encode(self, output: Output) -> Sequence[str]:
        """As `Dialect.encode`."""
        match output:
            case AudioProgress(seconds):
                self._audio_time = seconds
            case Interim() | Final():
                self._audio_time = output.audio_time
                return self._words(output)
            case Error(fatal=True):
                return (self._error(output.code, output.message),)
        return ()

    def _words(self, event: Interim | Final) -> Sequence[str]:
        delta = self._item.settle(event)
        texts = [to_json({"type": "transcription.delta", "delta": delta})] if delta else []
        if isinstance(event, Final) and event.finalize_id is not None:
            item, self._item = self._item, RealtimeItem("", self._audio_time)
            usage = {"type": "duration", "seconds": round(self._audio_time - item.began, 3)}
            texts.append(to_json({"type": "transcription.done", "text": item.text, "usage": usage}))
        return texts

    def refuse(self, code: str, message: str) -> LateReply:
        """Says that a message is wrong."""
        return LateReply(partial(self._error, code, message))

    @staticmethod
    def _error(code: str, message: str) -> str:
        return to_json({"type": "error", "error": message, "code": code})
