"""Loading by hub id runs the real `huggingface_hub` code against a hub of our own on loopback."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.support.tones import CHECKPOINT

REPO, FILE, COMMIT = "acme/two-tones", "two-tones.nemo", "0123456789abcdef0123456789abcdef01234567"
NOWHERE = "http://127.0.0.1:9"
CONTENT = CHECKPOINT.read_bytes()


class _Hub(BaseHTTPRequestHandler):
    """The three answers that a download takes: the list of files, one file's metadata, the file."""

    def do_GET(self) -> None:
        self._answer(body=True)

    def do_HEAD(self) -> None:
        self._answer(body=False)

    def _answer(self, body: bool) -> None:
        path = self.path.partition("?")[0]
        if path == f"/api/models/{REPO}/tree/main":
            entry = {"type": "file", "path": FILE, "size": len(CONTENT), "oid": COMMIT}
            self._send(json.dumps([entry]).encode(), body)
        elif path == f"/{REPO}/resolve/main/{FILE}":
            self._send(CONTENT, body)
        else:
            self._missing()

    def _send(self, content: bytes, body: bool) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.send_header("ETag", f'"{hashlib.sha256(content).hexdigest()}"')
        self.send_header("X-Repo-Commit", COMMIT)
        self.end_headers()
        if body:
            self.wfile.write(content)

    def _missing(self) -> None:
        self.send_response(404)
        self.send_header("X-Error-Code", "RepoNotFound")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  the base class names it so
        """Keeps requests out of the test's output."""


@pytest.fixture
def hub() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Hub)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def load(name: str, endpoint: str, cache: Path, **environment: str) -> str:
    """Loads in a process of its own, for the hub's address is read once, at import; prints what became of it."""
    code = (
        "import sys\n"
        "from auricle_server.checkpoints import CheckpointError, load_checkpoint\n"
        "try: print('pieces', len(load_checkpoint(sys.argv[1]).pieces))\n"
        "except CheckpointError as error: print(type(error).__name__, error)\n"
    )
    env = {**os.environ, "HF_ENDPOINT": endpoint, "HF_HOME": str(cache), "HF_HUB_DISABLE_XET": "1", **environment}
    done = subprocess.run(
        [sys.executable, "-c", code, name], env=env, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_a_hub_id_is_downloaded_and_then_found_in_the_cache(hub: str, tmp_path: Path) -> None:
    assert load(REPO, hub, tmp_path) == "pieces 64"
    assert load(REPO, NOWHERE, tmp_path) == "pieces 64"
    assert load(REPO, NOWHERE, tmp_path, HF_HUB_OFFLINE="1") == "pieces 64"


def test_an_unknown_repository_is_named(hub: str, tmp_path: Path) -> None:
    assert load("acme/nothing", hub, tmp_path).startswith("CheckpointNotFound acme/nothing: no such model")


@pytest.mark.parametrize("offline", ["0", "1"])
def test_without_hub_and_cache_it_says_what_is_missing_and_how_to_get_it(tmp_path: Path, offline: str) -> None:
    said = load("nvidia/nemotron-speech-streaming-en-0.6b", NOWHERE, tmp_path, HF_HUB_OFFLINE=offline)
    assert said.startswith("CheckpointNotFound nvidia/nemotron-speech-streaming-en-0.6b is not in the local cache")
    assert "hf download nvidia/nemotron-speech-streaming-en-0.6b" in said
    assert "--model demo" in said
