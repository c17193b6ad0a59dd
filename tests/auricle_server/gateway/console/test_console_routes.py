"""The page as a server gives it to browsers."""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress
from typing import NamedTuple

import aiohttp
import pytest
from multidict import CIMultiDictProxy
from yarl import URL

from auricle_server.demo.programme import AUDIO_FOLDER
from auricle_server.gateway.console.console_routes import HEADERS, PAGE_FOLDER, POLICY
from tests.auricle_server.gateway.conftest import Serve


class Answer(NamedTuple):
    status: int
    headers: CIMultiDictProxy[str]
    body: bytes


async def ask(url: str, path: str, method: str = "GET", **headers: str) -> Answer:
    """Asks for a path as it stands: nothing in it is tidied up."""
    address = URL(url.replace("ws", "http", 1) + path, encoded=True)
    async with (
        aiohttp.ClientSession() as http,
        http.request(method, address, headers=headers, allow_redirects=False) as answer,
    ):
        return Answer(answer.status, answer.headers, await answer.read())


async def test_the_page_and_its_files_are_answered(url: str) -> None:
    index = await ask(url, "/")
    assert (index.status, index.body) == (200, (PAGE_FOLDER / "index.html").read_bytes())
    assert index.headers["Content-Type"] == "text/html; charset=utf-8"
    for path in PAGE_FOLDER.rglob("*.*"):
        assert (await ask(url, f"/console/{path.relative_to(PAGE_FOLDER).as_posix()}")).body == path.read_bytes()
    for address in ("/console", "/console/"):
        assert (await ask(url, address)).headers["Location"] == "/"


async def test_every_answer_has_the_headers_that_keep_browsers_safe(url: str) -> None:
    paths = ("/", "/console/", "/console/index.html", "/console/none.js", "/console/clips/", "/console/config.json")
    for path in paths:
        headers = (await ask(url, path)).headers
        for name, value in HEADERS.items():
            assert headers[name] == value or (path, name) == ("/console/config.json", "Cache-Control"), (path, name)
        assert headers["Server"] == "auricle"
    directives = dict(each.strip().split(" ", 1) for each in POLICY.split(";"))
    assert directives["default-src"] == "'self'"
    assert directives["frame-ancestors"] == directives["object-src"] == directives["base-uri"] == "'none'"
    assert "script-src" not in directives  # as default-src says: of this server only
    assert "unsafe" not in POLICY
    assert "*" not in POLICY


async def test_head_is_answered_like_get_without_a_body(url: str) -> None:
    for path in ("/", "/console/clips/clip_01.wav"):
        plain = {"Accept-Encoding": "identity"}
        full, head = await ask(url, path, **plain), await ask(url, path, "HEAD", **plain)
        assert (head.status, head.body) == (200, b"")
        assert head.headers["Content-Length"] == str(len(full.body))
        assert head.headers["ETag"] == full.headers["ETag"]


@pytest.mark.parametrize(
    ("accepted", "compressed"),
    [
        ("gzip", True),
        ("br, GZip;q=0.5", True),
        ("gzip;q=0", False),
        ("gzip; q=0.000", False),
        ("br", False),
        ("", False),
    ],
)
async def test_text_is_compressed_for_those_who_take_it(url: str, accepted: str, compressed: bool) -> None:
    path = "/console/auricle.js"
    plain = await ask(url, path, **{"Accept-Encoding": "identity"})
    asked = await ask(url, path, **{"Accept-Encoding": accepted})
    assert asked.body == plain.body  # the client unpacks it
    assert (asked.headers.get("Content-Encoding") == "gzip") == compressed
    assert asked.headers["Vary"] == "Accept-Encoding"
    assert asked.headers["ETag"].removeprefix("W/") == plain.headers["ETag"]
    if compressed:
        assert int(asked.headers["Content-Length"]) < len(plain.body) / 3


async def test_sound_is_not_compressed(url: str) -> None:
    answer = await ask(url, "/console/clips/clip_01.wav", **{"Accept-Encoding": "gzip"})
    assert "Content-Encoding" not in answer.headers


async def test_what_a_browser_has_is_not_sent_again(url: str) -> None:
    first = await ask(url, "/", **{"Accept-Encoding": "identity"})
    etag = first.headers["ETag"]
    for known in (etag, f"W/{etag}", f'"other", {etag}', "*"):
        again = await ask(url, "/", **{"If-None-Match": known, "Accept-Encoding": "identity"})
        assert (again.status, again.body, again.headers["ETag"]) == (304, b"", etag)
        assert again.headers["Content-Security-Policy"] == POLICY
    assert (await ask(url, "/", **{"If-None-Match": '"other"'})).body == first.body


async def test_the_recordings_are_listed_and_answered(url: str) -> None:
    listed = json.loads((await ask(url, "/console/clips/")).body)
    assert len(listed) == len(list(AUDIO_FOLDER.glob("*.wav")))
    clip = listed[0]
    sound = await ask(url, f"/console/clips/{clip['url']}")
    assert sound.body == (AUDIO_FOLDER / clip["url"]).read_bytes()
    assert sound.headers["Content-Type"] == "audio/wav"


async def test_the_page_is_told_of_the_server(serve: Serve) -> None:
    async with serve(api_keys=("secret",)) as url:
        answer = await ask(url, "/console/config.json")  # a page that asks for a key must load first
        config = json.loads(answer.body)
        assert (config["status"], config["keys_required"], config["demo"]) == ("ready", True, None)
        assert config["model"]["latencies_ms"]
        assert answer.headers["Cache-Control"] == "no-store"
        assert b"secret" not in answer.body
        assert (await ask(url, "/")).status == 200


@pytest.mark.parametrize(
    "path",
    [
        "/console/../config.py",
        "/console/%2e%2e/console_routes.py",
        "/console/..%2f__init__.py",
        "/console//etc/passwd",
        "/console/%2fetc%2fpasswd",
        "/console/clips/../../../../config.py",
        "/console/clips/..%5c..%5cconfig.py",
        "/console/clips/manifest",
        "/console/index.html%00.js",
        "/console/console_routes.py",
        "/console/page/index.html",
        "/console/%ff%fe",
    ],
)
async def test_no_other_file_is_answered(url: str, path: str) -> None:
    answer = await ask(url, path)
    assert answer.status in {400, 404}
    assert json.loads(answer.body)["code"] in {"not_found", "bad_request"}


async def test_only_get_and_head_are_answered(url: str) -> None:
    for path in ("/", "/console/index.html", "/console/clips/"):
        for method in ("POST", "PUT", "DELETE", "OPTIONS"):
            answer = await ask(url, path, method)
            assert (answer.status, answer.headers["Allow"]) == (405, "GET, HEAD")


async def test_a_server_without_a_console_has_none_of_it(serve: Serve) -> None:
    async with serve(console=False) as url:
        for path in ("/", "/console", "/console/index.html", "/console/config.json", "/console/clips/"):
            answer = await ask(url, path)
            assert (answer.status, json.loads(answer.body)["code"]) == (404, "not_found")
            assert b"console" not in answer.body
        assert (await ask(url, "/healthz")).status == 200


async def test_a_browser_that_does_not_read_is_cut(serve: Serve) -> None:
    async with serve(header_seconds=0.5) as url:
        address = URL(url)
        reader, writer = await asyncio.open_connection(address.host, address.port, limit=1024)
        request = b"GET /console/clips/clip_05.wav HTTP/1.1\r\nHost: a\r\n\r\n"
        writer.write(request * 40)  # 14 MB of answers: more than the kernel holds
        await asyncio.sleep(2)
        received = 0
        with suppress(ConnectionError):
            async with asyncio.timeout(30):
                while data := await reader.read(1 << 20):
                    received += len(data)
        assert received < 40 * (AUDIO_FOLDER / "clip_05.wav").stat().st_size
        writer.close()
