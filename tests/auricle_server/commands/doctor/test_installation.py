"""What the doctor finds."""

from __future__ import annotations

import resource
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from importlib import metadata
from pathlib import Path

import pytest

from auricle_server.commands.doctor import installation
from auricle_server.commands.doctor.findings import CheckStatus, Finding
from auricle_server.voice import models
from auricle_server.voice.models import ModelFiles


def only(findings: Iterator[Finding]) -> Finding:
    (finding,) = findings
    return finding


def test_everything_is_installed_here() -> None:
    findings = list(installation.check_packages())
    assert {finding.subject for finding in findings} >= {"auricle", "extra [server]", "extra [pipecat]"}
    assert all(finding.verdict is CheckStatus.GOOD for finding in findings)


@pytest.mark.parametrize(("gone", "verdict"), [("aiohttp", CheckStatus.GOOD), ("msgspec", CheckStatus.BAD)])
def test_a_missing_package_of_the_server(monkeypatch: pytest.MonkeyPatch, gone: str, verdict: CheckStatus) -> None:
    hide(monkeypatch, gone)
    finding = next(each for each in installation.check_packages() if each.subject == "extra [server]")
    assert finding.verdict is verdict
    if verdict is CheckStatus.BAD:
        assert gone in finding.detail
        assert "pip install '.[server]'" in finding.remedy


def test_a_missing_adapter_is_only_a_note(monkeypatch: pytest.MonkeyPatch) -> None:
    hide(monkeypatch, "pipecat-ai")
    finding = next(each for each in installation.check_packages() if each.subject == "extra [pipecat]")
    assert finding.verdict is CheckStatus.NOTE
    assert "'.[pipecat]'" in finding.remedy


def test_what_turn_ends_are_judged_by() -> None:
    finding = only(installation.check_turns())
    assert finding.verdict is CheckStatus.GOOD
    assert finding.detail == "detected by words, punctuation, voice, prosody"


def test_models_that_are_missing_are_a_note(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(models, "find_spec", lambda _: None)
    finding = only(installation.check_turns())
    assert finding.verdict is CheckStatus.NOTE
    assert finding.detail == "detected by words, punctuation; onnxruntime is not installed"
    assert finding.remedy == "in a checkout of Auricle: pip install '.[turns]'"


def test_a_damaged_model_is_found(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    path = tmp_path / "silero_vad.onnx"
    path.write_bytes(b"not a model")
    monkeypatch.setattr(models, "find_models", lambda: ModelFiles(path))
    finding = only(installation.check_turns())
    assert finding.verdict is CheckStatus.BAD
    assert "cannot be loaded" in finding.detail


def hide(monkeypatch: pytest.MonkeyPatch, package: str) -> None:
    real = metadata.version

    def version(name: str) -> str:
        if name == package:
            raise metadata.PackageNotFoundError(name)
        return real(name)

    monkeypatch.setattr(metadata, "version", version)


def test_torch_and_a_device() -> None:
    pytest.importorskip("torch")
    subjects = [finding.subject for finding in installation.check_torch()]
    assert subjects[0] == "PyTorch"
    assert "device" in subjects


def test_a_free_port() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    assert only(installation.check_port("127.0.0.1", port)).verdict is CheckStatus.GOOD


def test_a_taken_port() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        finding = only(installation.check_port("127.0.0.1", taken.getsockname()[1]))
    assert finding.verdict is CheckStatus.BAD
    assert "--port" in finding.remedy


def test_an_address_that_is_none() -> None:
    finding = only(installation.check_port("no-such-host.invalid", 8765))
    assert finding.verdict is CheckStatus.BAD
    assert "--host" in finding.remedy


@pytest.mark.parametrize(("status", "state"), [(200, "ready"), (503, "not ready")])
def test_a_port_where_a_server_answers(status: int, state: str) -> None:
    class Readiness(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
            """Keeps the test's output clean."""

    with HTTPServer(("127.0.0.1", 0), Readiness) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        finding = only(installation.check_port("127.0.0.1", server.server_port))
        server.shutdown()
        thread.join()
    assert finding.verdict is CheckStatus.NOTE
    assert finding.detail.endswith(f", {state}")


def test_few_open_files_are_a_note(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda _which: (512, 1024))
    finding = only(installation.check_open_files())
    assert finding.verdict is CheckStatus.NOTE
    assert finding.remedy is not None
    assert finding.remedy.startswith("ulimit -Hn 4096")


def test_a_low_soft_limit_is_none_as_a_server_raises_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda _which: (256, 8192))
    finding = only(installation.check_open_files())
    assert (finding.verdict, finding.detail) == (CheckStatus.GOOD, "8192")


def test_whether_ffmpeg_is_installed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    without = only(installation.check_audio())
    (tmp_path / "ffmpeg").touch(mode=0o755)
    found = only(installation.check_audio())
    assert without.verdict is found.verdict is CheckStatus.GOOD
    assert "with ffmpeg, which is not installed" in without.detail
    assert found.detail.endswith("m4a, mp4, webm, amr, wma and others (ffmpeg)")


def test_audio_formats() -> None:
    assert "wav, flac, ogg, mp3" in only(installation.check_audio()).detail
