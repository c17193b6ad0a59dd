"""What a running server does on the commands of its own user; see `control`."""

from __future__ import annotations

import math
import os
from typing import Any

from auricle_server.config import ServerConfig
from auricle_server.served_models import served_models
from auricle_server.serving.control import ControlConnection
from auricle_server.serving.workers import ReloadRefused, Workers

MOST_DRAIN_SECONDS = 86_400.0
DRAIN_SECONDS = 600.0
"""How long the streams of the workers before a reload may go on, unless the command says otherwise."""
LONGEST_SOURCE = 4096


class ServerCommands:
    """Obeys commands.

    Args:
        config: Of the server, with its port in place.
        workers: Its workers.
    """

    def __init__(self, config: ServerConfig, workers: Workers) -> None:
        self._config = config
        self._workers = workers
        self._told = ""
        self._asking: ControlConnection | None = None

    def obey(self, connection: ControlConnection, refusal: str = "") -> None:
        """Carries out a command, or begins to.

        Args:
            connection: With its request.
            refusal: Why the server takes no commands now; empty when it does.
        """
        request = connection.request or {}
        match request.get("command"):
            case "status":
                connection.end(**self._status())
            case "reload" if refusal:
                connection.end(error=refusal)
            case "reload":
                self._reload(connection, request)
            case other:
                connection.end(error=f"no command {str(other)[:80]!r}: expected status or reload")

    def _status(self) -> dict[str, Any]:
        config = self._config
        return {
            "pid": os.getpid(),
            "host": config.host,
            "port": config.port,
            "models": [model.name for model in served_models(config)],
        }

    def _reload(self, connection: ControlConnection, request: dict[str, Any]) -> None:
        name, source, seconds = request.get("model", ""), request.get("source", ""), request.get("drain_seconds")
        seconds = DRAIN_SECONDS if seconds is None else seconds
        if not isinstance(name, str) or not isinstance(source, str) or len(source) > LONGEST_SOURCE:
            connection.end(error="model and source: expected text")
            return
        if not _is_seconds(seconds):
            connection.end(error=f"drain_seconds: expected 0 to {MOST_DRAIN_SECONDS:.0f}")
            return

        def done(why: str | None) -> None:
            self._asking = None
            if why is None:
                connection.end(done=True)
            else:
                connection.end(error=f"the model could not be loaded: {why}")

        try:
            orders = self._workers.begin_reload(name, source, float(seconds), done)
        except ReloadRefused as refused:
            connection.end(error=str(refused))
            return
        self._asking, self._told = connection, ""
        connection.answer(loading=orders[0].model.source if orders[0].model is not None else "", workers=len(orders))

    def tell_progress(self) -> None:
        """Says how far the reload is, where that is news."""
        if self._asking is None:
            return
        progress = self._workers.progress()
        if progress and progress != self._told:
            self._told = progress
            self._asking.answer(progress=progress)


def _is_seconds(value: object) -> bool:
    return (
        isinstance(value, int | float)
        and not isinstance(value, bool)
        and math.isfinite(value)
        and 0 <= value <= MOST_DRAIN_SECONDS
    )
