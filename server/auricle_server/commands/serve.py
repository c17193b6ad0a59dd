"""`auricle serve`."""

from __future__ import annotations

import logging
import os
import sys
from dataclasses import fields, replace
from enum import Enum
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import urlsplit

import typer

from auricle_server.commands.console import fail, warn
from auricle_server.model_info import DemoHint
from auricle_server.telemetry.log_output import json_line
from auricle_server.telemetry.settings import JSON, TelemetryConfig, comma_separated

if TYPE_CHECKING:
    from auricle_server.config import ServerConfig

log = logging.getLogger(__name__)


class OnOff(Enum):
    """Whether a part of the server is there."""

    ON = "on"
    OFF = "off"


def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on. Default: 127.0.0.1.")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on; 0 takes a free port. Default: 8765.")] = None,
    model: Annotated[
        list[str] | None,
        typer.Option(
            help="demo, demo-multilingual, nemotron-en, nemotron-3.5, a .nemo file, a folder, or a Hugging Face id. "
            "For several models repeat the option with NAME=SOURCE; settings of one follow it after commas "
            "(en=nemotron-en,slots=64). Default: demo."
        ),
    ] = None,
    device: Annotated[str | None, typer.Option(help="auto, cpu, cuda, cuda:1, ... Default: auto.")] = None,
    dtype: Annotated[
        str | None,
        typer.Option(
            help="auto, float32, bfloat16 (GPU), fp16-weights or int8 (CPU). Default: auto: bfloat16 on a GPU, "
            "fp16-weights for a large model on a CPU, and float32 for a small one."
        ),
    ] = None,
    default_latency_ms: Annotated[
        int | None,
        typer.Option("--latency-ms", help="Chunk latency of streams that request none. Default: the model's own."),
    ] = None,
    slots: Annotated[
        int | None,
        typer.Option(help="Streams per worker. Default: 64 on a CPU; as many as fit into memory on a GPU."),
    ] = None,
    max_load: Annotated[
        float | None,
        typer.Option(
            help="Load up to which a worker accepts streams, as a share of its time; 0 means no limit. Default: 0.8."
        ),
    ] = None,
    threads: Annotated[
        int | None,
        typer.Option(help="CPU threads per worker. Default: all physical cores for a large model on a CPU, else 1."),
    ] = None,
    workers: Annotated[int | None, typer.Option(help="Worker processes, one per GPU. Default: 1.")] = None,
    gateways: Annotated[int | None, typer.Option(help="Gateway processes; they share the port. Default: 1.")] = None,
    api_keys: Annotated[
        list[str] | None,
        typer.Option(
            "--api-key",
            help="API key that clients must send. Repeat the option for several keys. Default: no key is needed.",
        ),
    ] = None,
    max_upload_mb: Annotated[
        int | None,
        typer.Option(help="Largest recording that one request may bring, in megabytes. Default: 500."),
    ] = None,
    tls_cert: Annotated[
        str | None,
        typer.Option(help="PEM file with the server's certificate: clients connect to wss://. Default: no TLS."),
    ] = None,
    tls_key: Annotated[
        str | None, typer.Option(help="PEM file with the certificate's private key. Default: it is in --tls-cert.")
    ] = None,
    allowed_origins: Annotated[
        list[str] | None,
        typer.Option(
            "--allow-origin",
            help="Web pages that may connect from a browser, by their origin (https://HOST:PORT), or * for all. Repeat "
            "the option for several. Default: only pages of this server's own address.",
        ),
    ] = None,
    keys_file: Annotated[
        str | None, typer.Option(help="File with keys and their limits, which the command keys writes.")
    ] = None,
    no_auth: Annotated[
        bool | None, typer.Option("--no-auth", help="Say that no key is needed, so that the server does not warn.")
    ] = None,
    usage_file: Annotated[
        str | None, typer.Option(help="File to which the use of each key is appended, as lines of JSON.")
    ] = None,
    drain_seconds: Annotated[
        float | None, typer.Option(help="Seconds that open streams may continue after SIGTERM. Default: 5.")
    ] = None,
    resume_seconds: Annotated[
        float | None, typer.Option(help="Seconds that a stream waits for its client to reconnect. Default: 10.")
    ] = None,
    server_name: Annotated[
        str | None,
        typer.Option(help="Name of this server among several, by which a proxy finds it again. Default: none."),
    ] = None,
    standby: Annotated[
        bool | None,
        typer.Option(help="Keep a worker that takes the place of one that dies, where memory allows. Default: keep."),
    ] = None,
    turn_models: Annotated[
        str | None,
        typer.Option(
            help="Turn detection by sound: auto uses it if the extra [turns] is installed; off; require. Default: auto."
        ),
    ] = None,
    cures: Annotated[
        str | None,
        typer.Option(
            help="Cures for known ills of models: profile, off, or a list: warm-up,watch=2,voice. Default: profile."
        ),
    ] = None,
    riva_port: Annotated[
        int | None,
        typer.Option(help="Port for clients of NVIDIA Riva (gRPC), with the extra [riva]. Default: none."),
    ] = None,
    console: Annotated[
        OnOff | None,
        typer.Option(help="The page for browsers at http://HOST:PORT/: on or off. Default: on."),
    ] = None,
    log_level: Annotated[str | None, typer.Option(help="DEBUG, INFO, WARNING or ERROR. Default: INFO.")] = None,
    log_format: Annotated[
        str | None, typer.Option(help="text, or json: one line of JSON for each event. Default: text.")
    ] = None,
    access_log: Annotated[
        OnOff | None,
        typer.Option(help="A line for each request, and for each stream that has ended: on or off. Default: on."),
    ] = None,
    log_content: Annotated[
        str | None,
        typer.Option(help="Transcripts in logs and traces: off, redacted or full. Default: off."),
    ] = None,
    log_redact: Annotated[
        str | None,
        typer.Option(
            help="What redacted transcripts leave out: numbers,emails,spelled,keyterms, or some of them. Default: all."
        ),
    ] = None,
    traces: Annotated[
        str | None,
        typer.Option(
            help="Spans for OpenTelemetry, with the extra [otel]: auto makes them if a variable OTEL_EXPORTER_OTLP_* "
            "says where to send them; off; require. Default: auto."
        ),
    ] = None,
) -> None:
    """Run the server: worker processes with the model, and gateway processes that accept clients.

    Clients connect to ws://HOST:PORT/v1/stream. GET /healthz, /readyz and /metrics answer over HTTP. Environment
    variables set the same options (AURICLE_PORT, AURICLE_API_KEYS with commas between the keys) and some more
    (AURICLE_IDLE_SECONDS); an option wins over its variable.
    """
    given = dict(locals())
    from auricle_server.config import ConfigError, from_environment
    from auricle_server.served_models import served_models
    from auricle_server.serving import supervisor

    try:
        config = from_environment()
        telemetry = replace(config.telemetry, **_telemetry(given))
        config = replace(config, telemetry=telemetry, **_settings(given))
        served_models(config)
    except (ConfigError, ValueError) as error:
        fail(str(error))
        raise typer.Exit(2) from error
    raise typer.Exit(supervisor.serve(config, partial(_announce, config=config)))


def _announce(url: str, hint: DemoHint | None, *, config: ServerConfig) -> None:
    """Prints a line that programs can wait for, and where the page is; the log and notes go to standard error.

    With a log of JSON lines all that the server writes is one, on standard output as well.
    """
    console, as_json = config.console, config.telemetry.log_format == JSON
    try:
        if as_json:
            typer.echo(json_line(log.name, f"Auricle is ready at {url}"))
            sys.stdout.flush()
            if hint is not None:
                log.warning("%s", hint.sentence)
            return
        page = f"\nOpen {_page(url)} in a browser to try it" if console else ""
        typer.echo(f"Auricle is ready at {url}{page}")
        sys.stdout.flush()
    except OSError as error:
        log.warning("cannot write to standard output, the server goes on: %s", error.strerror)
        # What is left in the buffer would fail again at the exit, and change its code.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    if hint is not None:
        warn(hint.sentence)


def _page(url: str) -> str:
    """Where a browser on this machine finds the page."""
    address = urlsplit(url)
    # A server that listens at all addresses has none of its own.
    host = {"0.0.0.0": "127.0.0.1", "[::]": "[::1]"}.get(address.netloc.rpartition(":")[0])  # noqa: S104  # not bound
    netloc = address.netloc if host is None else f"{host}:{address.port}"
    return f"{address.scheme.replace('ws', 'http')}://{netloc}/"


def _telemetry(given: dict[str, Any]) -> dict[str, Any]:
    """The options about logs and traces, under the names of `TelemetryConfig`; they are taken out of the others."""
    names = {field.name for field in fields(TelemetryConfig)}
    settings = {name: value for name in names if (value := given.pop(name)) is not None}
    for name in {"log_format", "log_content", "traces"} & settings.keys():
        settings[name] = settings[name].lower()
    if "access_log" in settings:
        settings["access_log"] = settings["access_log"] is OnOff.ON
    if "log_redact" in settings:
        settings["log_redact"] = comma_separated(settings["log_redact"])
    return settings


def _settings(given: dict[str, Any]) -> dict[str, Any]:
    """The options of the command line, under the names of `ServerConfig`."""
    from auricle_server.served_models import join_models

    settings = {name: value for name, value in given.items() if value is not None}
    if "model" in settings:
        settings["model"] = join_models(settings["model"])
    for name in {"api_keys", "allowed_origins"} & settings.keys():
        settings[name] = tuple(settings[name])
    if "console" in settings:
        settings["console"] = settings["console"] is OnOff.ON
    if "log_level" in settings:
        settings["log_level"] = settings["log_level"].upper()
    return settings
