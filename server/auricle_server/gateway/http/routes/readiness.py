"""`GET /readyz`: whether new streams are taken, by all models or by the one that is asked for."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from auricle_server.gateway.errors import UnknownModel
from auricle_server.gateway.http.connections import Connections
from auricle_server.gateway.http.session_opener import SessionOpener
from auricle_server.gateway.workers.model_pools import ModelPools
from auricle_server.ipc.loading_status import LoadingStatus


class Readiness:
    """Answers probes.

    Args:
        workers: Of the gateway.
        connections: Of the gateway.
        opener: Of the gateway.
    """

    def __init__(self, workers: ModelPools, connections: Connections, opener: SessionOpener) -> None:
        self._workers = workers
        self._connections = connections
        self._opener = opener

    async def answer(self, request: web.Request) -> web.Response:
        """Answers a probe."""
        # A proxy that keeps a server for its open streams, and gives it no new ones, knows that by a status of its own.
        no_new = web.HTTPNotFound.status_code if request.query.get("no_new") == "404" else None
        if self._opener.draining:
            return web.json_response({"status": "draining"}, status=no_new or 503)
        name = request.query.get("model")
        try:
            workers = self._workers.find(name) if name else self._workers
        except UnknownModel as unknown:
            return web.json_response({"status": "unknown model", "message": unknown.message}, status=unknown.status)
        if not workers.ready:
            return web.json_response(unready(workers.loading()), status=503)
        model = None if workers.info is None else workers.info.name
        streams = len(self._connections)
        state: dict[str, Any] = {"status": "ready", "model": model, "streams": streams, "slots": workers.slots}
        if workers is self._workers and len(self._workers.pools) > 1:
            state["models"] = [{"name": pool.name, "full": pool.full} for pool in self._workers.pools]
        return web.json_response({**state, "full": workers.full}, status=(no_new if workers.full else None) or 200)


def unready(loading: list[LoadingStatus]) -> dict[str, Any]:
    """What is told while no worker is ready.

    Args:
        loading: What the workers are doing.
    """
    if not loading:
        return {"status": "no worker"}
    return {"status": "loading", "loading": [{"what": each.what, "percent": each.percent} for each in loading]}
