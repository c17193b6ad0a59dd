"""Uploads that are too large, too slow, no form, or for which the disk has no room."""

from __future__ import annotations

import asyncio
import logging
import warnings
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

import aiohttp
import pytest

from auricle_server.gateway.http.files import upload_receiver
from auricle_server.gateway.keys.api_key import ApiKey, digest_of
from auricle_server.gateway.keys.keys_file_edit import add_key
from tests.auricle_server.gateway.conftest import Serve
from tests.auricle_server.gateway.http.files.uploads import TEXT, WAVE, form, posted
from tests.auricle_server.raw_client import until

MEGABYTE = 1_000_000


async def refusal(url: str, data: object, status: int, **options: Any) -> str:
    async with posted(url, data, **options) as answer:
        assert answer.status == status
        message = (await answer.json())["error"]["message"]
        assert isinstance(message, str)
        return message


@pytest.mark.parametrize("ask", [True, False])
async def test_a_recording_that_is_too_large_is_refused_by_its_size(serve: Serve, ask: bool) -> None:
    async with serve(max_upload_mb=1) as url:
        message = await refusal(url, form(bytes(2 * MEGABYTE)), 413, expect100=ask)
        assert message.startswith("a recording may have 1 MB; start the server with a larger --max-upload-mb")
        async with posted(url, form()) as answer:
            assert (await answer.json())["text"] == TEXT


async def test_a_recording_of_unknown_size_is_cut_off_at_the_limit(serve: Serve) -> None:
    async def endless() -> AsyncIterator[bytes]:
        yield b'--x\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n'
        for _ in range(40):
            yield bytes(100_000)
        await asyncio.sleep(30)

    async with serve(max_upload_mb=1) as url:
        headers = {"Content-Type": "multipart/form-data; boundary=x"}
        assert "may have 1 MB" in await refusal(url, endless(), 413, headers=headers)


async def test_an_upload_that_stops_is_ended(serve: Serve) -> None:
    async def stalling() -> AsyncIterator[bytes]:
        yield b'--x\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\nabc'
        await asyncio.sleep(30)

    async with serve(stall_seconds=0.3) as url:
        headers = {"Content-Type": "multipart/form-data; boundary=x"}
        assert await refusal(url, stalling(), 408, headers=headers) == "nothing of the recording came for 0.3 s"


async def test_an_upload_that_drips_is_ended(serve: Serve) -> None:
    async def dripping() -> AsyncIterator[bytes]:
        yield b'--x\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\nabc'
        for _ in range(1000):
            await asyncio.sleep(0.05)
            yield b"a"

    async with serve(stall_seconds=0.5) as url:
        headers = {"Content-Type": "multipart/form-data; boundary=x"}
        assert "less than 1000 bytes a second" in await refusal(url, dripping(), 408, headers=headers)


def full_device() -> IO[bytes]:
    return Path("/dev/full").open("r+b", buffering=0)  # the receiver closes it


async def test_a_full_disk_is_an_error_in_words(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(upload_receiver, "_temporary_file", full_device)
    assert "cannot store the recording: No space left on device" in await refusal(url, form(), 500)
    monkeypatch.undo()
    async with posted(url, form()) as answer:
        assert (await answer.json())["text"] == TEXT


async def test_too_many_uploads_at_once_are_refused(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(upload_receiver, "MAX_UPLOADS", 0)
    assert "receives as many recordings as it can" in await refusal(url, form(), 503)


async def test_one_key_does_not_take_all_uploads(serve: Serve, tmp_path: Path) -> None:
    path = str(tmp_path / "keys.toml")
    for name, most in (("a", 1), ("b", None)):
        add_key(path, ApiKey(name=name, digest=digest_of(name * 40), max_streams=most), datetime.now(UTC))
    begun = asyncio.Event()

    async def stalling() -> AsyncIterator[bytes]:
        yield b'--x\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\nabc'
        begun.set()
        await asyncio.sleep(30)

    async with serve(keys_file=path) as url:
        a, b = ({"Authorization": f"Bearer {name * 40}"} for name in "ab")
        headers = {**a, "Content-Type": "multipart/form-data; boundary=x"}
        first = asyncio.create_task(refusal(url, stalling(), 408, headers=headers))
        await begun.wait()
        await asyncio.sleep(0.3)
        assert "the API key a has 1 recordings under way" in await refusal(url, form(), 429, headers=a)
        async with posted(url, form(), headers=b) as answer:
            assert (await answer.json())["text"] == TEXT
        first.cancel()
        await asyncio.wait({first})

        async def free() -> bool:
            async with posted(url, form(), headers=a) as answer:
                return answer.status == 200

        await until(free)


@pytest.mark.parametrize("abort", [True, False])
async def test_a_client_that_leaves_in_its_upload_is_no_error(
    url: str, abort: bool, caplog: pytest.LogCaptureFixture
) -> None:
    host, port = url.removeprefix("ws://").split(":")
    _, writer = await asyncio.open_connection(host, int(port))
    head = "POST /v1/audio/transcriptions HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n"
    part = 'Content-Disposition: form-data; name="file"; filename="a"\r\n\r\nabc'
    writer.write(f"{head}Content-Type: multipart/form-data; boundary=x\r\n\r\n--x\r\n{part}".encode())
    await writer.drain()
    await asyncio.sleep(0.2)
    if abort:
        writer.transport.abort()
    else:
        writer.close()
    await asyncio.sleep(0.2)
    async with posted(url, form()) as answer:
        assert (await answer.json())["text"] == TEXT
    assert [record for record in caplog.records if record.levelno > logging.INFO] == []


def two_files() -> aiohttp.FormData:
    data = form()
    data.add_field("file", WAVE, filename="other.wav")
    return data


def without_a_file() -> aiohttp.FormData:
    data = aiohttp.FormData()
    data.add_field("model", "m", content_type="text/plain")
    return data


def many_fields() -> aiohttp.FormData:
    data = aiohttp.FormData()
    for number in range(1100):
        data.add_field(f"field{number}", "", content_type="text/plain")
    return data


def part(*headers: bytes) -> bytes:
    """A form with a part before its recording that has these headers."""
    before = b"--x\r\n" + b"\r\n".join(headers) + b"\r\n\r\nvalue\r\n"
    return before + b'--x\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n' + WAVE + b"\r\n--x--"


@pytest.mark.parametrize(
    "data",
    [
        part(b"no colon"),
        part(b"X-Long: " + b"a" * 9_000),
        part(*[b"X: y"] * 300),
        part(b"X: \x00"),
        part(b"Content-Type: multipart/mixed"),
        part(b'Content-Disposition: form-data; name="_charset_"').replace(b"value", b"a" * 40),
        part()[:-5],
    ],
    ids=["no colon", "long header", "many headers", "null byte", "form without boundary", "charset", "half a form"],
)
async def test_a_broken_form_is_the_fault_of_its_client(
    url: str, data: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    headers = {"Content-Type": "multipart/form-data; boundary=x"}
    assert "not what the headers of the request say it is" in await refusal(url, data, 400, headers=headers)
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]


async def test_a_header_that_names_no_field_is_not_logged(serve: Serve) -> None:
    headers = {"Content-Type": "multipart/form-data; boundary=x"}
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        async with (
            serve() as url,
            posted(url, part(b"Content-Disposition: ;;;;===="), headers=headers) as answer,
        ):
            assert (await answer.json())["text"] == TEXT
    assert not warned


@pytest.mark.parametrize(
    ("data", "headers", "said"),
    [
        (
            b"no form",
            {"Content-Type": "multipart/form-data; boundary=x"},
            "not what the headers of the request say it is",
        ),
        (b"no form", {"Content-Type": "multipart/form-data"}, "not what the headers of the request say it is"),
        (WAVE, {"Content-Type": "audio/wav"}, "send a form"),
        (two_files(), {}, "several files"),
        (without_a_file(), {}, "no file: send the recording in the field 'file'"),
        (form(b""), {}, "the recording is empty"),
        (form(prompt="a" * 300_000), {}, "more than 262144 bytes"),
        (many_fields(), {}, "more than 1024 fields"),
        (form(b"hello" * 1000), {}, "the recording cannot be read: not audio"),
    ],
)
async def test_what_is_no_recording_is_refused_in_words(
    url: str, data: object, headers: dict[str, str], said: str
) -> None:
    assert said in await refusal(url, data, 400, headers=headers)
