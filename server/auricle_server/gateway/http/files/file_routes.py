"""Serves the wire formats in which a request brings a recording, or asks something that is answered at once."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from types import ModuleType
from typing import TYPE_CHECKING

from aiohttp import web
from multidict import MultiDict, MultiMapping

from auricle_server.gateway.errors import AtCapacity, NotReady, Refusal, ShuttingDown
from auricle_server.gateway.http.files.upload_receiver import UploadReceiver
from auricle_server.gateway.http.session_opener import GatewayParts
from auricle_server.gateway.listening.application import Handler
from auricle_server.gateway.session.file_endpoint import (
    FileEndpoint,
    FileJob,
    HttpAnswer,
    Question,
    QuestionEndpoint,
)
from auricle_server.gateway.workers.worker_pool import WorkerPool
from auricle_server.model_info import ModelInfo
from auricle_server.telemetry.log_context import request_context
from auricle_server.telemetry.recording_span import recording_span

if TYPE_CHECKING:
    from auricle_server.gateway.http.files import recording_transcriber

NO_FIELDS: MultiMapping[str] = MultiDict()
_SMALL = 1 << 20
"""Bytes of a recording that is received before it is known whether there is a slot for it."""


class FileRoutes:
    """The paths of other wire formats that are served without a WebSocket.

    Args:
        parts: Of the gateway.
    """

    def __init__(self, parts: GatewayParts) -> None:
        self._parts = parts
        self._receiver = UploadReceiver(parts.config)
        self._transcriber: recording_transcriber.RecordingTranscriber | None = None

    def files(self, endpoints: tuple[FileEndpoint, ...]) -> Iterator[tuple[str, Handler]]:
        """What answers a POST at each path of these endpoints."""
        for endpoint in endpoints:
            for path in endpoint.paths:
                yield path, self._parts.refusals.handler(endpoint.refuse, partial(self._transcribe, endpoint))

    def questions(self, endpoints: tuple[QuestionEndpoint, ...], method: str) -> Iterator[tuple[str, Handler]]:
        """What answers at each path of the endpoints that are asked with this method."""
        for endpoint in endpoints:
            for path in endpoint.paths if endpoint.method == method else ():
                yield path, self._parts.refusals.handler(endpoint.refuse, partial(self._answer, endpoint))

    async def _answer(self, endpoint: QuestionEndpoint, request: web.Request) -> web.StreamResponse:
        authorization = endpoint.authorization(request.query, request.headers)
        key = self._parts.opener.check_access(request, authorization)
        secret = partial(self._parts.opener.mint, key)
        workers = self._parts.workers
        question = Question(request.match_info, request.query, _info(workers.default), workers.infos, secret)
        return _response(endpoint.answer(question))

    async def _transcribe(self, endpoint: FileEndpoint, request: web.Request) -> web.StreamResponse:
        key = self._parts.opener.check_access(request, endpoint.authorization(request.query, request.headers))
        models = self._parts.opener.models(endpoint.foreign_models)
        pool = models.find(endpoint.model(request.query, NO_FIELDS))
        endpoint.check(request.query, request.headers, _info(pool))
        self._check_room(request.content_length)
        async with self._receiver.receive(request, key) as (upload, file):
            pool = models.find(endpoint.model(upload.query, upload.fields))
            job = endpoint.open(upload, _info(pool))
            self._parts.metrics.dialect_streams.labels(endpoint.name).inc()
            response = _EventResponse(request, job)
            lane = await asyncio.to_thread(_import_lane)
            if self._transcriber is None:
                self._transcriber = lane.RecordingTranscriber(
                    self._parts.config, self._parts.opener, self._parts.connections
                )
            recording = lane.RecordingRequest(request, key, endpoint.name, upload, file, job, pool, response.send)
            try:
                with recording_span(self._parts.tracing, request_context(), endpoint.name):
                    answer = job.answer(await self._transcriber.transcribe(recording))
            except Refusal as refusal:
                if not response.begun:
                    raise
                return await response.end("" if job.encode_refusal is None else job.encode_refusal(refusal))
        return _response(answer) if job.encode is None else await response.end(answer.body)

    def _check_room(self, size: int | None) -> None:
        """Refuses a large recording before it is sent, where there is no slot for it."""
        if self._parts.opener.draining:
            raise ShuttingDown("the server shuts down; connect to another one")
        # What a gateway knows of the slots is up to a second old: a small recording just comes.
        if self._parts.workers.full and (size is None or size > _SMALL):
            raise AtCapacity("every slot is in use; try again later")


def _info(pool: WorkerPool) -> ModelInfo:
    if (info := pool.info) is None:
        raise NotReady("the model is still loading; try again later")
    return info


def _import_lane() -> ModuleType:
    """What reads recordings. Imported for the first one: a gateway of calls alone never needs its libraries."""
    from auricle_server.gateway.http.files import recording_transcriber

    return recording_transcriber


class _EventResponse:
    """An answer that is written as the events come."""

    def __init__(self, request: web.Request, job: FileJob) -> None:
        self.begun = False
        self._request = request
        self._response = web.StreamResponse(headers={"Content-Type": job.content_type, "Cache-Control": "no-cache"})

    async def send(self, text: str) -> None:
        if not self.begun:
            self.begun = True  # until now a refusal has a status of its own
            await self._response.prepare(self._request)
        await self._response.write(text.encode())

    async def end(self, text: str) -> web.StreamResponse:
        with suppress(ConnectionError):
            if text:
                await self.send(text)
            await self._response.write_eof()
        return self._response


def _response(answer: HttpAnswer) -> web.Response:
    headers = {"Content-Type": answer.content_type, **answer.headers}
    return web.Response(body=answer.body.encode(), status=answer.status, headers=headers)
