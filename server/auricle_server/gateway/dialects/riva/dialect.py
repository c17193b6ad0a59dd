"""The results of Riva's speech recognition.

Source: nvidia-riva-client 2.28, ``riva/client/asr.py`` and ``riva/client/realtime.py`` (``force_eou``), and what
LiveKit's and Pipecat's plugins for NVIDIA read.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence

from auricle.protocol.client_messages import End
from auricle.protocol.languages import AUTO
from auricle.protocol.server_messages import Final, Interim, TurnEagerEnd
from auricle_server.gateway.dialects.riva.messages import Message, RecognizeResponse, StreamingResponse, entries
from auricle_server.gateway.session.dialect import EndTurn, Input, Output
from auricle_server.gateway.session.formats.riva_audio import RivaAudio
from auricle_server.gateway.session.formats.riva_settings import RivaSettings
from auricle_server.gateway.session.session import NORMAL
from auricle_server.text.plain_text import plain

END = "end"
FORCE_END = "force_eou"
"""The two text messages that a call gives to its session: no more audio comes, and the utterance ends here."""
_PROBABLE, _CERTAIN = 0.5, 1.0
"""`stability` of an interim result, and of one after which the end of the utterance is probable."""


class RivaDialect:
    """One call of a client; see `Dialect`. Its messages are no texts: they wait in `responses`.

    Args:
        settings: That the client asks for.
        request_id: The client's name for the call; empty without one.

    Attributes:
        responses: What is to be sent, in order.
        ended: As `Dialect.ended`.
    """

    name = "riva"
    follows_audio = False

    def __init__(self, settings: RivaSettings, request_id: str = "") -> None:
        self.ended = False
        self.responses: deque[Message] = deque()
        self._settings = settings
        self._request_id = request_id
        self._forced = 0
        self._audio = RivaAudio(settings)

    # --- from the client ---------------------------------------------------------------------------------------------

    def inputs(self, request: Message) -> Iterator[bytes | str]:
        """What a request after the first one holds, as binary and text messages for the session."""
        if request.audio_content:
            yield request.audio_content
        if entries(request.runtime_config).get(FORCE_END, "").lower() == "true":
            yield FORCE_END

    def receive_text(self, text: str) -> Sequence[Input]:
        """As `Dialect.receive_text`, for `END` and `FORCE_END`."""
        if text == END:
            self.ended = True
            return (End(),)
        self._forced += 1
        return (EndTurn(f"{FORCE_END} {self._forced}"),)

    def receive_audio(self, data: bytes) -> bytes:
        """As `Dialect.receive_audio`; without the header of a WAV file, and of several channels only the first."""
        return self._audio.push(data)

    # --- to the client -----------------------------------------------------------------------------------------------

    def encode(self, output: Output) -> Sequence[str]:
        """As `Dialect.encode`; what is to be said goes to `responses`."""
        match output:
            case Final():
                if output.text or output.finalize_id is not None:
                    self._final(output)
            case Interim() if self._settings.interims:
                self._interim(output.text, output.audio_time, _PROBABLE)
            case TurnEagerEnd() if self._settings.interims:
                self._interim(output.text, output.audio_time, _CERTAIN)
        return ()

    def _final(self, final: Final) -> None:
        response = self._response()
        result = response.results.add(is_final=True, stability=_CERTAIN, channel_tag=1)
        result.audio_processed = final.audio_time
        add_alternative(result, final, self._settings)

    def _interim(self, text: str, audio_time: float, stability: float) -> None:
        response = self._response()
        result = response.results.add(stability=stability, channel_tag=1, audio_processed=audio_time)
        result.alternatives.add(transcript=text if self._settings.punctuated else plain(text))

    def _response(self) -> Message:
        response = StreamingResponse()
        if self._request_id:
            response.id.value = self._request_id
        self.responses.append(response)
        return response

    def close_code(self, code: str | None) -> int:
        """As `Dialect.close_code`; there is no WebSocket, and only the end of the conversation counts."""
        return NORMAL if code is None else NORMAL + 1


class RivaRecordingDialect(RivaDialect):
    """A call with a whole recording, which is decoded already: its finals are collected for one answer.

    Args:
        settings: As for `RivaDialect`.
        request_id: As for `RivaDialect`.
    """

    def __init__(self, settings: RivaSettings, request_id: str = "") -> None:
        super().__init__(settings, request_id)
        self._finals: list[Final] = []

    def receive_audio(self, data: bytes) -> bytes:
        """As `Dialect.receive_audio`."""
        return data

    def encode(self, output: Output) -> Sequence[str]:
        """As `Dialect.encode`."""
        if isinstance(output, Final) and output.text:
            self._finals.append(output)
        return ()

    def answer(self) -> Message:
        """The response to the request: a result for each utterance."""
        response = RecognizeResponse()
        if self._request_id:
            response.id.value = self._request_id
        for final in self._finals:
            result = response.results.add(channel_tag=1, audio_processed=final.audio_time)
            add_alternative(result, final, self._settings)
        return response


def add_alternative(result: Message, final: Final, settings: RivaSettings) -> None:
    """Writes a final as the one alternative of a result; times are milliseconds."""
    punctuated = settings.punctuated
    alternative = result.alternatives.add(transcript=final.text if punctuated else plain(final.text))
    alternative.confidence = final.confidence or 0.0
    if final.language != AUTO:
        alternative.language_code.append(final.language)
    for word in final.words if settings.words else ():
        alternative.words.add(
            word=word.text if punctuated else plain(word.text),
            start_time=round(word.start * 1000),
            end_time=round(word.end * 1000),
            confidence=word.confidence,
        )
