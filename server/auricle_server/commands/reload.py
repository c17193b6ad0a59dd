"""`auricle reload`."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from auricle_server.commands.console import fail, notes

_ANSWER_SECONDS = 5.0
"""How long a server may take to say who it is."""


class NoSuchServer(Exception):
    """No server, or more than one, can be meant; the message says what to do."""


def reload(
    model: Annotated[
        str | None,
        typer.Option(
            help="What to load: SOURCE, or NAME=SOURCE on a server with several models; NAME= loads that model's own "
            "checkpoint again. Default: the only model's own, again."
        ),
    ] = None,
    port: Annotated[int | None, typer.Option(help="Port of the server, where several run on this machine.")] = None,
    drain_seconds: Annotated[
        float | None,
        typer.Option(help="Seconds that the streams of the old model may go on. Default: 600.", min=0, max=86_400),
    ] = None,
) -> None:
    """Load a model anew in the running server: new streams get the new one, open streams keep the old one to their end.

    The new model is loaded beside the old one, which needs the memory for both. If it cannot be loaded, the old one
    goes on, and the exit code is 1. To be run on the server's machine, by the user that runs the server.
    """
    from auricle_server.served_models import split_name

    name, source = split_name(model or "")
    request = {"command": "reload", "model": name, "source": _absolute(source), "drain_seconds": drain_seconds}
    try:
        folder = _find(port)
        for answer in _ask(folder, request, None):
            if "error" in answer:
                fail(str(answer["error"]))
                raise typer.Exit(1)
            if "loading" in answer:
                notes.print(
                    f"loading {answer['loading']} ({answer['workers']} worker(s)); the old model serves meanwhile"
                )
            elif "progress" in answer:
                notes.print(str(answer["progress"]))
            elif answer.get("done"):
                notes.print("done: new streams have the new model; open streams end on the old one")
                return
    except NoSuchServer as problem:
        fail(str(problem))
        raise typer.Exit(1) from problem
    fail("the server has ended before the model was loaded")
    raise typer.Exit(1)


def _absolute(source: str) -> str:
    """A path as the server finds it, whose folder may be another one; any other source as it is."""
    path = Path(source).expanduser()
    return os.fspath(path.absolute()) if source and path.exists() else source


def _find(port: int | None) -> Path:
    """The folder of the server that is meant.

    Raises:
        NoSuchServer: There is none, or there are several.
    """
    from auricle_server.serving.server_folder import folders

    found: dict[Path, int] = {}
    for folder in folders():
        try:
            status = next(_ask(folder, {"command": "status"}, _ANSWER_SECONDS), {})
        except NoSuchServer:
            continue  # it has ended, or is about to
        if isinstance(status.get("port"), int):
            found[folder] = status["port"]
    ports = ", ".join(str(each) for each in sorted(found.values()))
    if port is not None:
        found = {folder: each for folder, each in found.items() if each == port}
    if not found:
        there = f"; servers of this user listen at {ports}" if ports else ""
        at = "" if port is None else f" at port {port}"
        raise NoSuchServer(
            f"no server{at}: run this on its machine, as the user that runs it, with the same TMPDIR{there}"
        )
    if len(found) > 1:
        raise NoSuchServer(f"several servers run here: name one with --port ({ports})")
    return next(iter(found))


def _ask(folder: Path, request: dict[str, Any], seconds: float | None) -> Iterator[dict[str, Any]]:
    """The lines with which a server answers.

    Raises:
        NoSuchServer: Nothing listens there, or it says nothing in time.
    """
    from auricle_server.serving.server_folder import CONTROL

    try:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(seconds)
            connection.connect(os.fspath(folder / CONTROL))
            connection.sendall(json.dumps(request).encode() + b"\n")
            with connection.makefile("rb") as lines:
                for line in lines:
                    yield json.loads(line)
    except OSError as error:
        raise NoSuchServer(f"{folder}: {error.strerror or error}") from error
