"""What is told of one stream beside its events: its line in the access log, its span, and its context in the logs."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from auricle.protocol.server_messages import Error, Final, TurnEnd
from auricle_server.telemetry.log_context import RequestContext, request_context
from auricle_server.telemetry.redaction import ContentPolicy
from auricle_server.telemetry.settings import TelemetryConfig
from auricle_server.telemetry.tracing import Attributes, TraceSpan, Tracing

log = logging.getLogger(__name__)
access_log = logging.getLogger("auricle_server.access")
content_log = logging.getLogger("auricle_server.content")

LEFT, ENDED = "client_left", "ended"
"""Why a stream is over, beside the codes of errors."""
_CLIENT_FAULTS = "client"


@dataclass(frozen=True, slots=True)
class StreamObserver:
    """How the streams of a gateway are observed.

    Attributes:
        access_log: Whether each gets a line when it ends.
        content: What of their transcripts may be written.
        tracing: Makes their spans; None makes none.
    """

    access_log: bool = False
    content: ContentPolicy = field(default_factory=lambda: ContentPolicy(TelemetryConfig()))
    tracing: Tracing | None = None


class StreamRecord:
    """One stream.

    Args:
        request: That has opened it.
        observer: Of the gateway.
        clock: Monotonic seconds.

    Attributes:
        audio_time: Seconds of audio on which the last result rested.
        fields: For log lines about the stream, which may be written outside of its request.
        keyterms: That the client has asked for.
        peer_close_code: Code of the close frame that the client has sent; None for none.
    """

    def __init__(self, request: RequestContext, observer: StreamObserver, clock: Callable[[], float]) -> None:
        self.audio_time = 0.0
        self.fields: dict[str, str] = {}
        self.keyterms: tuple[str, ...] = ()
        self.peer_close_code: int | None = None
        self._request = request
        self._observer = observer
        self._clock = clock
        self._began = clock()
        self._finals = self._turn_ends = self._resumed = 0
        self._span: TraceSpan | None = None
        self._over = False

    def begin(self, session: str, dialect: str, model: str, worker: str) -> None:
        """The stream has its slot.

        Args:
            session: Its name.
            dialect: Of its client.
            model: That computes it.
            worker: That has the slot.
        """
        request = self._request
        named = {"session": session, "dialect": dialect, "model": model, "worker": worker}
        self.fields.update({**request.fields, **named})
        request.fields.update(named)
        if self._observer.tracing is not None:
            self._span = self._observer.tracing.begin("auricle.stream", request, self._attributes())

    def _attributes(self) -> Attributes:
        request, fields = self._request, self.fields
        named = {
            "session.id": fields["session"],
            "gen_ai.response.model": fields["model"],
            "auricle.dialect": fields["dialect"],
            "auricle.worker": fields["worker"],
            "auricle.key": fields.get("key", ""),
            **request_attributes(request),
        }
        return {name: value for name, value in named.items() if value}

    def start(self, model: str, worker: str, keyterms: tuple[str, ...]) -> None:
        """The client's `Start` has come; the model that it names may be another than that of its request.

        Args:
            model: As for `begin`.
            worker: Likewise.
            keyterms: That the client asks for.
        """
        self.keyterms = keyterms
        if self.fields and self.fields["worker"] != worker:
            self.fields.update(model=model, worker=worker)
            if self._span is not None:
                self._span.set_attributes({"gen_ai.response.model": model, "auricle.worker": worker})

    # --- while it runs -----------------------------------------------------------------------------------------------

    def on_final(self, final: Final, answered: float | None) -> None:
        """A final goes to the client; it answers a finalize that has come `answered` seconds before, or none."""
        self._finals += 1
        if self._is_told:
            attributes = _final_attributes(final)
            if answered is not None:
                attributes["auricle.finalize.seconds"] = round(answered, 4)
            self._tell("final", final.text, attributes)

    def on_turn_end(self, turn: TurnEnd) -> None:
        """The end of a turn goes to the client."""
        self._turn_ends += 1
        if self._is_told:
            self._tell("turn_end", turn.text, _turn_attributes(turn))

    def on_error(self, error: Error) -> None:
        """An error goes to the client; one that ends the stream comes to `end` as well."""
        if self._span is not None and not error.fatal:
            self._span.add_event("auricle.error", {"error.type": error.code})

    @property
    def _is_told(self) -> bool:
        return self._span is not None or self._observer.content.allows

    def _tell(self, name: str, said: str, attributes: dict[str, str | float]) -> None:
        text = self._observer.content.text(said, self.keyterms)
        if text is not None:
            attributes["auricle.text"] = text
            content = {**self.fields, "text": text}
            content_log.info("%s session=%s text=%r", name, self.fields["session"], text, extra={"context": content})
        if self._span is not None:
            self._span.add_event(f"auricle.{name}", attributes)

    def on_resumed(self) -> None:
        """The client has come back with another request, in whose course this is called."""
        self._resumed += 1
        if self._span is not None:
            self._span.add_link(request_context().trace_headers)
            self._span.add_event("auricle.resumed", {"auricle.resumed.count": self._resumed})

    # --- at its end --------------------------------------------------------------------------------------------------

    def leave(self, *, started: bool) -> None:
        """The client has gone for good; `started` says whether its `Start` had come."""
        if started:
            log.info("stream left session=%s audio_seconds=%.2f", self.fields.get("session", ""), self.audio_time)

    def end(self, close_code: int | None, failure: Error | None) -> None:
        """The stream is over; later calls do nothing.

        Args:
            close_code: That its connection is closed with; None where the client has gone before.
            failure: The error that has ended it; None without one.
        """
        if self._over or not self.fields:
            return
        self._over = True
        code = self.peer_close_code if close_code is None else close_code
        why = failure.code if failure is not None else LEFT if close_code is None else ENDED
        if self._observer.access_log:
            self._write(code, why)
        if self._span is not None:
            self._span.set_attributes(self._totals(code, why))
            # By the conventions for HTTP a client's fault is no error of the server's span.
            failed = failure is not None and failure.fault != _CLIENT_FAULTS
            self._span.end(why if failed else None, failure.message if failed and failure is not None else "")
            self._span = None

    def _totals(self, code: int | None, why: str) -> Attributes:
        totals: dict[str, str | int | float] = {
            "auricle.audio.seconds": round(self.audio_time, 3),
            "auricle.finals": self._finals,
            "auricle.turn_ends": self._turn_ends,
            "auricle.resumed": self._resumed,
            "auricle.end.reason": why,
        }
        return totals if code is None else {**totals, "auricle.close_code": code}

    def _write(self, code: int | None, why: str) -> None:
        told = {
            "seconds": round(self._clock() - self._began, 3),
            "audio_seconds": round(self.audio_time, 3),
            "finals": self._finals,
            "turn_ends": self._turn_ends,
            "resumed": self._resumed,
            "close_code": code,
            "reason": why,
        }
        context = {"peer": self._request.peer, **self.fields, **told}
        access_log.info("stream %s", pairs(context), extra={"context": context})


def pairs(fields: Mapping[str, object]) -> str:
    """Fields as a line of text has them."""
    return " ".join(f"{name}={'-' if value is None or value == '' else value}" for name, value in fields.items())


def request_attributes(request: RequestContext) -> dict[str, str]:
    """What a span says of its request, by OpenTelemetry's semantic conventions for HTTP and for gRPC."""
    if request.method == "gRPC":
        service, _, method = request.path.strip("/").partition("/")
        named = {"rpc.system": "grpc", "rpc.service": service, "rpc.method": method}
    else:
        named = {"http.request.method": request.method, "url.path": request.path}
    return {name: value for name, value in {**named, "client.address": request.peer}.items() if value}


def _final_attributes(final: Final) -> dict[str, str | float]:
    attributes: dict[str, str | float] = {
        "auricle.audio_time": final.audio_time,
        "auricle.speech.start": final.start,
        "auricle.speech.end": final.end,
        "auricle.delay.seconds": round(max(0.0, final.audio_time - final.end), 3),
        "auricle.language": final.language,
    }
    return attributes if final.confidence is None else {**attributes, "auricle.confidence": final.confidence}


def _turn_attributes(turn: TurnEnd) -> dict[str, str | float]:
    return {
        "auricle.audio_time": turn.audio_time,
        "auricle.speech.end": turn.speech_end,
        "auricle.delay.seconds": round(max(0.0, turn.audio_time - turn.speech_end), 3),
        "auricle.probability": turn.probability,
    }
