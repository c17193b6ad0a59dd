"""Receives a recording into a temporary file, so that its size costs the server no memory."""

from __future__ import annotations

import asyncio
import tempfile
import time
import warnings
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import IO, TypeVar

from aiohttp import BadContentDispositionHeader, BadContentDispositionParam, BodyPartReader, MultipartReader, web
from aiohttp.http_exceptions import HttpProcessingError
from multidict import MultiDict

from auricle_server.config import ServerConfig
from auricle_server.gateway.errors import (
    AtCapacity,
    BadRequest,
    ServerFault,
    TooManyStreams,
    UploadTooLarge,
    UploadTooSlow,
)
from auricle_server.gateway.keys.api_key import ApiKey
from auricle_server.gateway.listening.application import send_continue
from auricle_server.gateway.session.file_endpoint import Upload

FILE_FIELD = "file"
"""Name of the recording in a form."""
MAX_UPLOADS = 256
"""Recordings of one gateway that may be on their way; they hold no slot yet, only disk."""
_BLOCK = 1 << 18
_MAX_FIELDS = 1024
"""Fields of a form beside the recording: key terms come one in a field."""
_MAX_FIELDS_BYTES = 1 << 18
_LEAST_PACE = 1000
"""Bytes a second, in the mean, below which a client holds the server up: half a second of a telephone call."""
_MEGABYTE = 1_000_000
_BROKEN = (ValueError, LookupError, RuntimeError, AssertionError, HttpProcessingError, web.RequestPayloadError)
"""What aiohttp 3.14 raises while it reads a form, or another body, that is none."""

T = TypeVar("T")
ReadBlock = Callable[[], Awaitable[bytes]]
"""Brings the next bytes; none at the end."""


class UploadReceiver:
    """Receives the uploads of a gateway.

    Args:
        config: Of the server.
    """

    def __init__(self, config: ServerConfig) -> None:
        # Each kind of broken header would go to the log, as its sender wrote it, and be remembered for good.
        for category in (BadContentDispositionHeader, BadContentDispositionParam):
            warnings.filterwarnings("ignore", category=category)
        self._config = config
        self._most = config.max_upload_mb * _MEGABYTE
        self._open: Counter[str] = Counter()
        """Uploads by the names of their keys."""

    @asynccontextmanager
    async def receive(self, request: web.Request, key: ApiKey) -> AsyncIterator[tuple[Upload, IO[bytes]]]:
        """The request, and its recording in a file that lasts as long as the block.

        Args:
            request: The client's.
            key: Of the request.

        Raises:
            Refusal: The body is too large, comes too slowly, is no form, or does not fit on the disk; or there are
                too many uploads.
            ConnectionError: The client has gone.
        """
        if request.content_length is not None and request.content_length > self._most + _MAX_FIELDS_BYTES:
            raise self._too_large()
        if self._open.total() >= MAX_UPLOADS:
            raise AtCapacity("the server receives as many recordings as it can; try again later")
        # Each becomes a stream: what a key may not have at once need not wait on the disk either.
        if key.max_streams is not None and self._open[key.name] >= key.max_streams:
            raise TooManyStreams(
                f"the API key {key.name} has {key.max_streams} recordings under way, as many as it may have at once; "
                "try again later"
            )
        self._open[key.name] += 1
        try:
            file = _temporary_file()
            try:
                yield await self._receive(request, file), file
            finally:
                file.close()
        finally:
            self._open[key.name] -= 1
            self._open += Counter()  # without the names whose count is 0

    async def _receive(self, request: web.Request, file: IO[bytes]) -> Upload:
        await send_continue(request)  # only now, as the client need not send what is refused by its headers
        pace = _UploadPace(self._config.stall_seconds)
        fields: MultiDict[str] = MultiDict()
        name = ""
        if request.content_type.startswith("multipart/"):
            name = await self._receive_form(request, file, fields, pace)
        else:
            await self._store(_whole(lambda: request.content.read(_BLOCK)), file, pace)
        if not file.tell():
            raise BadRequest("the recording is empty")
        return Upload(request.query, request.headers, fields, self._config.limits, name)

    async def _receive_form(
        self, request: web.Request, file: IO[bytes], fields: MultiDict[str], pace: _UploadPace
    ) -> str:
        """Receives a form; returns the name of its file."""
        name: str | None = None
        size = 0
        form = await pace.timed(_whole(request.multipart))
        while (part := await pace.timed(_whole(form.next))) is not None:
            if isinstance(part, MultipartReader):
                raise BadRequest("a form within the form; send the fields side by side")
            if part.name == FILE_FIELD:
                if name is not None:
                    raise BadRequest("the form has several files; send one in a request")
                name = part.filename or ""
                await self._store(_reading(part), file, pace)
            else:
                value = await _read_field(part, _MAX_FIELDS_BYTES - size, pace)
                size += len(value)
                fields.add(part.name or "", value.decode("utf-8", "replace"))
            if len(fields) > _MAX_FIELDS:
                raise BadRequest(f"the form has more than {_MAX_FIELDS} fields")
        if name is None:
            raise BadRequest(f"the form has no file: send the recording in the field {FILE_FIELD!r}")
        return name

    async def _store(self, read: ReadBlock, file: IO[bytes], pace: _UploadPace) -> None:
        try:
            while block := await pace.timed(read):
                pace.received += len(block)
                if pace.received > self._most:
                    raise self._too_large()
                await asyncio.to_thread(file.write, block)
            await asyncio.to_thread(file.flush)
        except OSError as error:
            if isinstance(error, ConnectionError):
                raise
            raise ServerFault(f"the server cannot store the recording: {error.strerror}") from error

    def _too_large(self) -> UploadTooLarge:
        return UploadTooLarge(
            f"a recording may have {self._config.max_upload_mb} MB; start the server with a larger --max-upload-mb, or "
            "send a compressed file (flac, ogg, mp3)"
        )


class _UploadPace:
    """Ends an upload that holds the server up: one that stops, or that drips.

    Args:
        stall_seconds: Longest wait for the next bytes.

    Attributes:
        received: Bytes so far.
    """

    def __init__(self, stall_seconds: float) -> None:
        self.received = 0
        self._stall_seconds = stall_seconds
        self._began = time.monotonic()

    async def timed(self, read: Callable[[], Awaitable[T]]) -> T:
        """What a read brings.

        Raises:
            UploadTooSlow: It brings nothing in time, or the whole is too slow.
        """
        seconds = time.monotonic() - self._began
        if seconds > self._stall_seconds and self.received < _LEAST_PACE * (seconds - self._stall_seconds):
            raise UploadTooSlow(f"the recording comes with less than {_LEAST_PACE} bytes a second")
        try:
            async with asyncio.timeout(self._stall_seconds):
                return await read()
        except TimeoutError as error:
            raise UploadTooSlow(f"nothing of the recording came for {self._stall_seconds:g} s") from error


def _temporary_file() -> IO[bytes]:
    try:
        return tempfile.TemporaryFile(prefix="auricle-")
    except OSError as error:
        raise ServerFault(f"the server cannot store the recording: {error.strerror}") from error


def _reading(part: BodyPartReader) -> ReadBlock:
    return _whole(lambda: part.read_chunk(_BLOCK))


def _whole(read: Callable[[], Awaitable[T]]) -> Callable[[], Awaitable[T]]:
    """The same, which refuses a body that is not what the headers say."""

    async def checked() -> T:
        try:
            return await read()
        except _BROKEN as error:
            raise BadRequest("the body is not what the headers of the request say it is") from error

    return checked


async def _read_field(part: BodyPartReader, most: int, pace: _UploadPace) -> bytes:
    value = b""
    while block := await pace.timed(_reading(part)):
        value += block
        if len(value) > most:
            raise BadRequest(f"the fields of the form have more than {_MAX_FIELDS_BYTES} bytes")
    return value
