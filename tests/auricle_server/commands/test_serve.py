from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
import urllib.request
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from auricle_server.commands.app import app
from auricle_server.config import ConfigError, ServerConfig, from_environment
from auricle_server.gateway.keys.policy import check_access
from auricle_server.serving import supervisor
from tests.deploy.images import KINDS, variables, words
from tests.support import tones
from tests.support.servers.authority import Authority
from tests.support.servers.server_thread import serving_in_a_thread

ROOT = Path(__file__).parents[3]


def invoke(*arguments: str) -> Any:
    return CliRunner().invoke(app, list(arguments), env={"COLUMNS": "120", "TERM": "dumb"})


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> list[ServerConfig]:
    """What `serve` would have run with."""
    configs: list[ServerConfig] = []

    def serve(config: ServerConfig, _announce: object) -> int:
        configs.append(config)
        return 0

    monkeypatch.setattr(supervisor, "serve", serve)
    for name in [name for name in os.environ if name.startswith("AURICLE_")]:
        monkeypatch.delenv(name)
    return configs


def test_serve_without_options_takes_the_defaults(served: list[ServerConfig]) -> None:
    assert invoke("serve").exit_code == 0
    assert served == [ServerConfig()]


def test_options_win_over_the_environment(served: list[ServerConfig], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AURICLE_PORT", "9000")
    monkeypatch.setenv("AURICLE_SLOTS", "7")
    result = invoke("serve", "--port", "9001", "--api-key", "a", "--api-key", "b", "--latency-ms", "80")
    assert result.exit_code == 0
    assert served == [ServerConfig(port=9001, slots=7, api_keys=("a", "b"), default_latency_ms=80)]


@pytest.mark.parametrize(("option", "expected"), [("on", True), ("off", False)])
def test_the_console_is_on_or_off(served: list[ServerConfig], option: str, expected: bool) -> None:
    assert invoke("serve", "--console", option).exit_code == 0
    assert served == [ServerConfig(console=expected)]


@pytest.mark.parametrize(
    "arguments", [("--console", "maybe"), ("--slots", "0"), ("--port", "70000"), ("--threads", "0")]
)
def test_impossible_settings_are_named(served: list[ServerConfig], arguments: tuple[str, str]) -> None:
    result = invoke("serve", *arguments)
    assert result.exit_code == 2
    assert arguments[0].removeprefix("--") in result.stderr
    assert served == []


@pytest.mark.slow
@pytest.mark.timeout(180)
def test_a_real_server_announces_itself_answers_and_stops() -> None:
    command = [sys.executable, "-m", "auricle_server", "serve", "--port", "0", "--model", str(tones.CHECKPOINT)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line.startswith("Auricle is ready at ws://127.0.0.1:")
        url = line.split()[-1].replace("ws://", "http://")
        assert process.stdout.readline() == f"Open {url}/ in a browser to try it\n"
        for path in ("/", "/healthz", "/readyz", "/metrics"):
            with urllib.request.urlopen(url + path, timeout=10) as answer:
                assert answer.status == 200
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0


@pytest.mark.slow
@pytest.mark.timeout(180)
def test_a_server_with_the_demo_model_says_once_what_peoples_speech_needs(tmp_path: Path) -> None:
    log = tmp_path / "log"
    command = [sys.executable, "-m", "auricle_server", "serve", "--port", "0", "--console", "off"]
    with (
        log.open("w") as stderr,
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=stderr, text=True) as process,
    ):
        assert process.stdout is not None
        assert process.stdout.readline().startswith("Auricle is ready at ws://127.0.0.1:")
        process.send_signal(signal.SIGTERM)
        assert process.stdout.read() == ""  # no page where there is none
        assert process.wait(60) == 0
    assert log.read_text().count("auricle serve --model nemotron-en") == 1


@pytest.mark.parametrize(
    ("url", "page"),
    [
        ("ws://127.0.0.1:8765", "http://127.0.0.1:8765/"),
        ("wss://speech.example.com:443", "https://speech.example.com:443/"),
        ("ws://0.0.0.0:8765", "http://127.0.0.1:8765/"),
        ("ws://[::]:1", "http://[::1]:1/"),
        ("ws://[fe80::1]:1", "http://[fe80::1]:1/"),
    ],
)
def test_the_page_is_where_a_browser_on_this_machine_finds_it(
    url: str, page: str, capsys: pytest.CaptureFixture[str]
) -> None:
    sys.modules["auricle_server.commands.serve"]._announce(url, None, config=ServerConfig(console=True))
    assert capsys.readouterr().out == f"Auricle is ready at {url}\nOpen {page} in a browser to try it\n"


@pytest.mark.slow
@pytest.mark.timeout(180)
def test_a_full_disk_behind_standard_output_stops_no_server(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "auricle_server", "serve", "--port", "0", "--model", str(tones.CHECKPOINT)]
    log = tmp_path / "log"
    with Path("/dev/full").open("w") as full, log.open("w") as stderr:
        process = subprocess.Popen(command, stdout=full, stderr=stderr)
    try:
        deadline = time.monotonic() + 100
        while "cannot write to standard output" not in log.read_text():
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.05)
        [url] = re.findall(r"ready url=ws(://\S+)", log.read_text())
        with urllib.request.urlopen(f"http{url}/readyz", timeout=10) as answer:
            assert answer.status == 200
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0
    finally:
        process.kill()
        process.wait()


@pytest.mark.parametrize("kind", KINDS)
def test_an_image_asks_for_a_key(kind: str, served: list[ServerConfig], monkeypatch: pytest.MonkeyPatch) -> None:
    for variable, value in variables(kind).items():
        if variable.startswith("AURICLE_"):
            monkeypatch.setenv(variable, value)
    [_, *arguments] = words(kind)
    assert invoke(*arguments).exit_code == 0
    with pytest.raises(ConfigError, match="this server needs a key"):
        check_access(served[-1])
    for more in (["--no-auth"], ["--api-key", "x" * 32]):
        assert invoke(*arguments, *more).exit_code == 0
        assert check_access(served[-1]) == []
    assert (served[-1].host, served[-1].device) == ("0.0.0.0", kind)


@pytest.mark.parametrize("name", ["auricle-1", "auricle-2", "auricle-gpu-1", "auricle-gpu-2"])
def test_the_compose_file_asks_for_a_key(name: str, tmp_path: Path) -> None:
    service = yaml.safe_load((ROOT / "deploy" / "compose.yaml").read_text())["services"][name]
    # As where nobody has set a variable for compose.
    given = {key: re.sub(r"\$\{\w+:-(.*)\}", r"\1", str(value)) for key, value in service["environment"].items()}
    config = from_environment({**given, "AURICLE_REQUIRE_AUTH": "true"})
    assert (config.keys_file, config.no_auth) == ("/var/lib/auricle/keys.toml", False)
    with pytest.raises(ConfigError, match="no such file; `auricle keys add` makes one"):
        check_access(replace(config, keys_file=str(tmp_path / "keys.toml"), usage_file=None))


@pytest.mark.parametrize("tls", [False, True])
def test_the_health_check_of_the_images_asks_the_server(tls: bool, tmp_path: Path) -> None:
    cert, key = map(str, Authority(tmp_path).certificate()) if tls else (None, None)
    with serving_in_a_thread(ServerConfig(max_load=0, tls_cert=cert, tls_key=key), model=str(tones.CHECKPOINT)) as url:
        variables = {"AURICLE_PORT": url.rpartition(":")[2], "AURICLE_TLS_CERT": cert or ""}
        check = [sys.executable, str(ROOT / "docker" / "health.py")]
        assert subprocess.run(check, env={**os.environ, **variables}, timeout=60, check=False).returncode == 0
    gone = subprocess.run(
        check, env={**os.environ, **variables}, timeout=60, check=False, capture_output=True, text=True
    )
    assert (gone.returncode, "Connection refused" in gone.stderr) == (1, True)
