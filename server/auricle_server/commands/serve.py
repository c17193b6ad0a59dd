"""`auricle serve`."""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import Annotated, Any

import typer

from auricle_server.commands.console import fail


def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen at; 127.0.0.1 unless set.")] = None,
    port: Annotated[int | None, typer.Option(help="Port; 8765 unless set, 0 takes a free one.")] = None,
    model: Annotated[
        str | None, typer.Option(help="demo (the default), a .nemo file, a folder, or a Hugging Face id.")
    ] = None,
    device: Annotated[str | None, typer.Option(help="auto (the default), cpu, cuda, cuda:1, ...")] = None,
    default_latency_ms: Annotated[
        int | None,
        typer.Option("--latency-ms", help="Chunk latency of clients that name none; the model's own unless set."),
    ] = None,
    slots: Annotated[
        int | None,
        typer.Option(help="Streams that one worker holds; unless set 64 on a CPU, on a GPU what its memory holds."),
    ] = None,
    max_load: Annotated[
        float | None,
        typer.Option(help="Share of a worker's time up to which it takes streams, 0.8 unless set; 0: no such bound."),
    ] = None,
    threads: Annotated[int | None, typer.Option(help="CPU threads of one worker; 1 unless set.")] = None,
    workers: Annotated[int | None, typer.Option(help="Worker processes, one per GPU; 1 unless set.")] = None,
    gateways: Annotated[int | None, typer.Option(help="Gateway processes, which share the port; 1 unless set.")] = None,
    api_keys: Annotated[
        list[str] | None, typer.Option("--api-key", help="A key that opens a stream; may be given several times.")
    ] = None,
    drain_seconds: Annotated[
        float | None, typer.Option(help="How long open streams may go on after SIGTERM; 10 unless set.")
    ] = None,
    resume_seconds: Annotated[
        float | None, typer.Option(help="How long a stream whose connection was cut waits for it; 10 unless set.")
    ] = None,
    turn_models: Annotated[
        str | None,
        typer.Option(
            help="Judge turns by sound: auto (the default) where the extra [turns] is installed, off, require."
        ),
    ] = None,
    log_level: Annotated[str | None, typer.Option(help="DEBUG, INFO (the default), WARNING or ERROR.")] = None,
) -> None:
    """Run the server: a worker with the model, and gateways that clients connect to.

    Every option can come from the environment as well: AURICLE_PORT, AURICLE_API_KEYS (separated by commas),
    AURICLE_IDLE_SECONDS and so on. Clients connect to ws://HOST:PORT/v1/stream; /healthz, /readyz and /metrics answer
    over HTTP.
    """
    given = dict(locals())
    from auricle_server.config import ConfigError, from_environment
    from auricle_server.serving import supervisor

    try:
        config = replace(from_environment(), **_settings(given))
    except ConfigError as error:
        fail(str(error))
        raise typer.Exit(2) from error
    raise typer.Exit(supervisor.serve(config, _announce))


def _announce(url: str) -> None:
    """One line that programs can wait for; the log is on standard error."""
    typer.echo(f"Auricle is ready at {url}")
    sys.stdout.flush()


def _settings(given: dict[str, Any]) -> dict[str, Any]:
    """What was given on the command line, as the configuration names it."""
    settings = {name: value for name, value in given.items() if value is not None}
    if "api_keys" in settings:
        settings["api_keys"] = tuple(settings["api_keys"])
    if "log_level" in settings:
        settings["log_level"] = settings["log_level"].upper()
    return settings
