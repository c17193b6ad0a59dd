"""A model hub on loopback, with the ways in which a download can fail; and the command line that uses it."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from auricle_server.checkpoints.known.lookup import KNOWN_MODELS
from tests.support.tones import CHECKPOINT

COMMIT = "0123456789abcdef0123456789abcdef01234567"
REPO = KNOWN_MODELS[0].id
FILE = "model.nemo"
CONTENT = CHECKPOINT.read_bytes()
LARGE = 10_000
"""Files of at least this size have a SHA-256, as LFS files of the hub do; smaller ones have the digest of Git."""


@dataclass
class Hub:
    """The files of the hub, and its faults.

    Attributes:
        repo: Id of its only repository.
        files: Its files by name.
        commit: Its revision ``main``.
        cuts: Bytes after which the connection breaks, for each response in order; later responses are complete.
        claimed: False sizes of files.
        spoiled: Names of files that are sent with a wrong byte.
        gated: Whether a licence must be accepted.
        ranges: Whether range requests are supported.
        licence: What its card names.
        requests: Path and Range header of every request.
    """

    repo: str
    files: dict[str, bytes]
    commit: str = COMMIT
    cuts: list[int] = field(default_factory=list)
    claimed: dict[str, int] = field(default_factory=dict)
    spoiled: set[str] = field(default_factory=set)
    gated: bool = False
    ranges: bool = True
    licence: str = "a-licence"
    requests: list[tuple[str, str | None]] = field(default_factory=list)
    address: str = ""

    def described(self) -> dict[str, Any]:
        """The repository, as the hub's interface describes it."""
        siblings = [self._sibling(name, content) for name, content in self.files.items()]
        card = {"license": "other", "license_name": self.licence}
        return {"id": self.repo, "modelId": self.repo, "sha": self.commit, "siblings": siblings, "cardData": card}

    def _sibling(self, name: str, content: bytes) -> dict[str, Any]:
        size = self.claimed.get(name, len(content))
        entry: dict[str, Any] = {"rfilename": name, "size": size, "blobId": git_digest(content)}
        if len(content) >= LARGE:
            entry["lfs"] = {"sha256": hashlib.sha256(content).hexdigest(), "size": size, "pointerSize": 134}
        return entry

    @property
    def downloads(self) -> list[str | None]:
        """The Range of each request for a file."""
        return [span for path, span in self.requests if "/resolve/" in path]


def git_digest(content: bytes) -> str:
    """Git's name of a blob."""
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()


@contextmanager
def serving(hub: Hub) -> Iterator[Hub]:
    """Serves `hub` on loopback."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"hub": hub}))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    hub.address = f"http://127.0.0.1:{server.server_port}"
    try:
        yield hub
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    hub: Hub

    def do_GET(self) -> None:
        hub, path = self.hub, self.path.partition("?")[0]
        hub.requests.append((path, self.headers.get("Range")))
        start, _, revision = path.removeprefix(f"/api/models/{hub.repo}").partition("/revision/")
        if path.startswith(f"/api/models/{hub.repo}") and not start:
            known = revision in ("", "main", hub.commit)
            self._json(hub.described()) if known else self._refuse(404, "RevisionNotFound")
        elif path.startswith(f"/{hub.repo}/resolve/{hub.commit}/"):
            self._file(path.rpartition("/")[2])
        else:
            self._refuse(404, "RepoNotFound")

    def _json(self, content: dict[str, Any]) -> None:
        body = json.dumps(content).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _refuse(self, status: int, code: str) -> None:
        self.send_response(status)
        self.send_header("X-Error-Code", code)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _file(self, name: str) -> None:
        hub = self.hub
        if hub.gated:
            self._refuse(403, "GatedRepo")
            return
        content = hub.files[name]
        if name in hub.spoiled:
            content = bytes([content[0] ^ 1]) + content[1:]
        start = int((self.headers.get("Range") or "bytes=0-").removeprefix("bytes=").rstrip("-")) if hub.ranges else 0
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(content) - start))
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        self.end_headers()
        self._write(content[start:])

    def _write(self, content: bytes) -> None:
        cut = self.hub.cuts.pop(0) if self.hub.cuts else len(content)
        self.wfile.write(content[:cut])
        self.close_connection = True

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  the base class names it so
        """Keeps requests out of the test's output."""


def auricle(
    hub: Hub | None, home: Path, *arguments: str, code: int = 0, **environment: str
) -> subprocess.CompletedProcess[str]:
    """Runs the command line with the hub and a cache below `home`; without a hub the address answers nothing."""
    endpoint = hub.address if hub else "http://127.0.0.1:9"
    env = {**os.environ, "HF_ENDPOINT": endpoint, "HF_HOME": str(home), "COLUMNS": "200", **environment}
    done = subprocess.run(
        [sys.executable, "-m", "auricle_server", *arguments],
        env=env,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == code, done.stderr
    return done


def listed(home: Path, name: str) -> dict[str, Any]:
    """The entry of a model in the output of `auricle models --json`."""
    entries = json.loads(auricle(None, home, "models", "--json").stdout)
    return next(entry for entry in entries if entry["name"] == name)
