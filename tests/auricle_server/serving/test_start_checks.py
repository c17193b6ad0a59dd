"""Mistakes that a server tells before it starts a process."""

from __future__ import annotations

import gzip
import logging
import re
import socket
import tarfile
from pathlib import Path
from typing import Any

import pytest

from auricle_server.config import ServerConfig
from auricle_server.serving.start_checks import can_start
from tests.support import tones

with tarfile.open(tones.CHECKPOINT) as archive:
    [name] = [name for name in archive.getnames() if name.endswith("model_config.yaml")]
    file = archive.extractfile(name)
    assert file is not None
    CONFIG = file.read().decode()


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"tls_cert": "missing.pem"}, "cannot read the TLS file missing.pem"),
        ({"keys_file": "missing.toml"}, "missing.toml"),
        ({"require_auth": True}, "this server needs a key"),
    ],
)
def test_a_setting_that_cannot_be_used_is_named(
    options: dict[str, Any], reason: str, caplog: pytest.LogCaptureFixture
) -> None:
    assert not can_start(ServerConfig(model=str(tones.CHECKPOINT), **options))
    assert "cannot start" in caplog.text
    assert reason in caplog.text


def test_a_port_for_clients_of_riva_that_is_taken_is_named(caplog: pytest.LogCaptureFixture) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        assert not can_start(ServerConfig(model=str(tones.CHECKPOINT), riva_port=port))
    assert f"riva_port: cannot listen at 127.0.0.1:{port}" in caplog.text
    assert can_start(ServerConfig(model=str(tones.CHECKPOINT), riva_port=port))


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("a0: &a0 [x, x]\n" + "".join(f"a{n + 1}: &a{n + 1} [*a{n}, *a{n}]\n" for n in range(40)), "model_config.yaml"),
        ("[" * 100_000, "model_config.yaml"),
        ("encoder: 1", "of class unknown"),
        (re.sub(r"\bn_layers: ", "n_layers: -", CONFIG), "encoder.n_layers"),
        (CONFIG.replace("d_model: ", "d_model: .inf # "), "encoder.d_model"),
    ],
    ids=["aliases", "depth", "shape", "number", "infinity"],
)
def test_a_checkpoint_whose_configuration_is_wrong_is_named(
    text: str, reason: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "model_config.yaml").write_text(text)
    assert not can_start(ServerConfig(model=str(tmp_path)))
    assert f"cannot start model={tmp_path}: " in caplog.text
    assert reason in caplog.text


def test_a_file_that_is_no_checkpoint_is_named(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "model.nemo").write_bytes(b"nothing")
    assert not can_start(ServerConfig(model=str(tmp_path / "model.nemo")))
    assert "model.nemo" in caplog.text


def test_what_is_left_to_the_worker(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    packed = tmp_path / "packed.nemo"
    packed.write_bytes(gzip.compress(b"gigabytes"))
    with caplog.at_level(logging.WARNING):
        for model in ("demo", "nvidia/nemotron-speech-streaming-en-0.6b", str(tones.CHECKPOINT), str(packed)):
            assert can_start(ServerConfig(model=model))
    assert caplog.text == ""
