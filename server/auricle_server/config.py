"""The settings of a server, frozen. Only `from_environment` reads the environment."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from math import inf
from typing import Any

from auricle.protocol.server_messages import Limits
from auricle_server.cures import PROFILE, parse_cures
from auricle_server.dtypes import AUTO, DTYPES
from auricle_server.origins import check_origins
from auricle_server.setting_values import KEY_RULE, can_be_sent, flag, read_keys, read_origins
from auricle_server.telemetry.settings import DEFAULT_TELEMETRY, TelemetryConfig, telemetry_variables
from auricle_server.voice.models import TURN_MODELS, TurnModels

DEFAULT_LIMITS = Limits(
    # Almost 33 s of 16 kHz PCM in one message.
    message_bytes=1 << 20,
    buffered_seconds=10.0,
    stream_seconds=4 * 3600.0,
    idle_seconds=60.0,
    keyterms=1000,
    keyterm_characters=100,
)
_MOST = {
    "threads": 1024,
    "slots": 1_000_000,
    "workers": 64,
    "gateways": 256,
    "max_connections": 1_000_000,
    "max_upload_mb": 1_000_000,
    "max_connections_per_address": 1_000_000,
}
"""A number beyond these is a slip of the finger: the machine would start processes until it falls over."""
# As long as a label of a host's name may be (RFC 1035). No full stop: that ends the name in a token.
_NAME = re.compile(r"[A-Za-z0-9_-]{0,63}")
_LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")


class ConfigError(ValueError):
    """An invalid setting; the message names it and says what is expected."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerConfig:
    """How a server runs.

    Attributes:
        host: Address to listen at.
        port: Port to listen at; 0 takes a free one.
        model: Name, path or hub id of the checkpoint; of several ``NAME=SOURCE,...``, as in `served_models`.
        device: ``"cpu"``, ``"cuda"``, ``"cuda:1"``, or ``"auto"``.
        dtype: Precision in which the model computes, one of `auricle_server.dtypes.DTYPES`; ``"auto"`` takes what suits
            device and model.
        threads: CPU threads of one worker's arithmetic; None takes what suits the model: all physical cores for a large
            one on a CPU, else one.
        default_latency_ms: Chunk latency of clients that name none; None takes the model's own default.
        slots: Streams that one worker holds; None takes what suits the device: all that its memory holds, 64 on a CPU.
        max_load: Share of a worker's time, as predicted from its measured steps, up to which it takes streams; 0 takes
            as many as there are slots.
        workers: Worker processes (the model); with more than one, each takes a GPU of its own.
        gateways: Gateway processes (WebSockets and HTTP), which share the port.
        limits: Bounds of one stream.
        tls_cert: PEM file with the server's certificate and those between it and the root; None serves without TLS.
        tls_key: PEM file with the private key; None where `tls_cert` holds it as well.
        allowed_origins: Pages that may open streams from a browser, by their origin (``https://HOST:PORT``), beside
            those of this server's own address; in the variable separated by commas. ``*`` allows all pages.
        header_seconds: Seconds in which a connection must send a whole request, from its beginning or the end of the
            request before.
        start_seconds: Seconds in which a connection must send its `Start`, from the upgrade on.
        max_connections: Connections of one gateway that may wait for a request; beyond that the oldest are closed.
        max_connections_per_address: The same of one client's address.
        max_upload_mb: Largest recording that one request may bring, in megabytes; it waits in a temporary file.
        api_keys: Keys that open `/v1/stream`; in the variable separated by commas. Without any, and without a
            `keys_file`, no key is needed.
        keys_file: File with named keys, their limits and their expiry, which the command keys writes; it is read again
            whenever it changes.
        no_auth: Whether it is meant that no key is needed; the server then does not warn of it.
        require_auth: Whether a server without keys does not start, unless `no_auth` is set; the images set it.
        token_secret: Signs the short-lived tokens that stand for keys in browsers; servers with the same secret and
            keys accept each other's tokens. None draws one at each start.
        usage_file: File that gets what each key has used, as lines of JSON; None writes none.
        drain_seconds: Seconds that open streams may go on after SIGTERM before they are finalised and closed.
        stall_seconds: Seconds that one message may wait for a client that does not read; then the connection is cut.
        resume_seconds: Seconds that a stream whose connection broke is kept for its client; 0 keeps none.
        server_name: Of this server among several; its resume tokens begin with it, so that a proxy finds the server of
            a stream that is resumed. Letters, digits, ``-`` and ``_``; empty for a server without a name.
        retry_after_seconds: Seconds after which a refused client is told to try again (``Retry-After``).
        standby: Whether a worker stands by, where memory allows, and takes the place of one that dies.
        turn_models: Whether the models that hear how a voice sounds judge turn ends too: ``"auto"`` where they are
            installed, ``"off"``, ``"require"``, so that a server without them does not start.
        cures: Which cures for known ills of models are on: ``"profile"`` for those that the model's profile names,
            ``"off"``, or a list as for `auricle_server.cures.parse_cures`.
        riva_port: Port at which clients of NVIDIA Riva come in over gRPC; None serves none. Needs the extra ``[riva]``.
        console: Whether browsers find a page at the server's own address with which people try it.
        log_level: Least severe messages that are logged: ``DEBUG``, ``INFO``, ``WARNING``, ``ERROR`` or ``CRITICAL``.
        telemetry: What is logged and traced, and how.
    """

    host: str = "127.0.0.1"
    port: int = 8765
    model: str = "demo"
    device: str = "auto"
    dtype: str = AUTO
    threads: int | None = None
    default_latency_ms: int | None = None
    slots: int | None = None
    max_load: float = 0.8
    workers: int = 1
    gateways: int = 1
    limits: Limits = DEFAULT_LIMITS
    # Not in the `repr`, so that no log shows a key.
    api_keys: tuple[str, ...] = field(default=(), repr=False)
    tls_cert: str | None = None
    tls_key: str | None = None
    allowed_origins: tuple[str, ...] = ()
    header_seconds: float = 10.0
    start_seconds: float = 5.0
    # Thousands of clients of one address, a proxy for example, may connect at once. Each that waits takes up to 45 kB.
    max_connections: int = 8192
    max_connections_per_address: int = 4096
    # Four hours, the longest stream by default, are 461 MB as WAV of 16 kHz.
    max_upload_mb: int = 500
    keys_file: str | None = None
    no_auth: bool = False
    require_auth: bool = False
    token_secret: str | None = field(default=None, repr=False)
    usage_file: str | None = None
    drain_seconds: float = 5.0
    stall_seconds: float = 20.0
    resume_seconds: float = 10.0
    server_name: str = ""
    retry_after_seconds: int = 2
    standby: bool = True
    turn_models: TurnModels = "auto"
    cures: str = PROFILE
    riva_port: int | None = None
    console: bool = True
    log_level: str = "INFO"
    telemetry: TelemetryConfig = DEFAULT_TELEMETRY

    @property
    def scheme(self) -> str:
        """``"wss"`` with a certificate, else ``"ws"``."""
        return "ws" if self.tls_cert is None else "wss"

    def __post_init__(self) -> None:
        for name, most in _MOST.items():
            value = getattr(self, name)
            _check(value is None or 1 <= value <= most, name, f"1 to {most}")
        _check(0 <= self.port <= 65535, "port", "0 to 65535")
        _check(self.riva_port is None or 1 <= self.riva_port <= 65535, "riva_port", "1 to 65535")
        _check(self.riva_port != self.port, "riva_port", "another port than that of WebSockets and HTTP")
        for name in ("drain_seconds", "resume_seconds", "retry_after_seconds"):
            _check(0 <= getattr(self, name) < inf, name, "at least 0, and no infinity")
        for name in ("header_seconds", "start_seconds", "stall_seconds"):
            _check(0 < getattr(self, name) < inf, name, "more than 0, and no infinity")
        _check(0 <= self.max_load <= 1, "max_load", "0 to 1")
        _check(_NAME.fullmatch(self.server_name) is not None, "server_name", "at most 63 letters, digits, - and _")
        for name in ("message_bytes", "buffered_seconds", "stream_seconds", "idle_seconds"):
            _check(0 < getattr(self.limits, name) < inf, name, "more than 0, and no infinity")
        _check(self.limits.keyterms >= 0, "keyterms", "at least 0")
        _check(self.limits.keyterm_characters >= 1, "keyterm_characters", "at least 1")
        _check(self.tls_key is None or self.tls_cert is not None, "tls_key", "tls_cert beside it")
        _check(all(map(can_be_sent, self.api_keys)), "api_keys", KEY_RULE)
        for name in ("keys_file", "usage_file"):
            _check(getattr(self, name) != "", name, "the path of a file")
        _check(self.token_secret is None or len(self.token_secret) >= 32, "token_secret", "at least 32 characters")
        _check(self.dtype in DTYPES, "dtype", ", ".join(DTYPES))
        _check(self.turn_models in TURN_MODELS, "turn_models", ", ".join(TURN_MODELS))
        _check_by(check_origins, self.allowed_origins, "allowed_origins")
        _check_by(parse_cures, self.cures, "cures")
        _check(self.log_level in _LOG_LEVELS, "log_level", ", ".join(_LOG_LEVELS))


def _check(condition: bool, name: str, expected: str) -> None:
    if not condition:
        raise ConfigError(f"{name}: expected {expected}")


def _check_by(check: Callable[[Any], object], value: object, name: str) -> None:
    try:
        check(value)
    except ValueError as error:
        raise ConfigError(f"{name}: {error}") from error


_VARIABLES: dict[str, Callable[[str], Any]] = {
    "host": str,
    "port": int,
    "model": str,
    "device": str,
    "dtype": str,
    "threads": int,
    "default_latency_ms": int,
    "slots": int,
    "max_load": float,
    "workers": int,
    "gateways": int,
    "api_keys": read_keys,
    "tls_cert": str,
    "tls_key": str,
    "allowed_origins": read_origins,
    "header_seconds": float,
    "start_seconds": float,
    "max_connections": int,
    "max_connections_per_address": int,
    "max_upload_mb": int,
    "keys_file": str,
    "no_auth": flag,
    "require_auth": flag,
    "token_secret": str,
    "usage_file": str,
    "drain_seconds": float,
    "stall_seconds": float,
    "resume_seconds": float,
    "server_name": str,
    "retry_after_seconds": int,
    "standby": flag,
    "turn_models": str,
    "cures": str,
    "riva_port": int,
    "console": flag,
    "log_level": str.upper,
}
_LIMITS: dict[str, Callable[[str], Any]] = {
    "message_bytes": int,
    "buffered_seconds": float,
    "stream_seconds": float,
    "idle_seconds": float,
    "keyterms": int,
    "keyterm_characters": int,
}


TELEMETRY_VARIABLES = telemetry_variables(flag)
_SECRETS = ("api_keys", "keys_file")
_EXPECTED: dict[Callable[[str], Any], str] = {flag: "true or false"}
"""How an error describes what a function reads; the other functions have the names of their types."""


def _read(environment: Mapping[str, str], variables: Mapping[str, Callable[[str], Any]]) -> dict[str, Any]:
    values = {}
    for name, parse in variables.items():
        variable = f"AURICLE_{name.upper()}"
        # A secret that a template failed to fill in must not become a server that needs none.
        if name in _SECRETS and variable in environment and not parse(environment[variable].strip()):
            raise ConfigError(
                f"{variable} is set but names no {name.rstrip('s').replace('_', ' ')}: give it a value, or unset it; "
                "a server that shall need no key is started with --no-auth"
            )
        # An empty variable counts as unset, like `${VAR:-default}` in a shell.
        if text := environment.get(variable):
            try:
                values[name] = parse(text)
            except ValueError as error:
                expected = _EXPECTED.get(parse, parse.__name__)
                raise ConfigError(f"{variable}: expected {expected}, got {text!r}") from error
    return values


def from_environment(environment: Mapping[str, str] | None = None) -> ServerConfig:
    """The configuration in the ``AURICLE_*`` variables: ``AURICLE_PORT``, ``AURICLE_IDLE_SECONDS`` and so on.

    Args:
        environment: Read in place of the process's own.

    Raises:
        ConfigError: The value of a variable is invalid.
    """
    environment = os.environ if environment is None else environment
    limits = replace(DEFAULT_LIMITS, **_read(environment, _LIMITS))
    try:
        telemetry = TelemetryConfig(**_read(environment, TELEMETRY_VARIABLES))
    except ConfigError:
        raise
    except ValueError as error:
        raise ConfigError(str(error)) from error
    return ServerConfig(limits=limits, telemetry=telemetry, **_read(environment, _VARIABLES))
