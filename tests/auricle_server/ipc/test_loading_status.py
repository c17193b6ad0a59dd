"""The file in which a worker says how far its start is."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from auricle_server.ipc.loading_status import LoadingStatus, LoadingWriter, forget_loading, read_loading


def test_progress_is_read_as_it_was_written_until_it_is_forgotten(tmp_path: Path) -> None:
    endpoint = f"ipc://{tmp_path}/worker-0"
    assert read_loading(endpoint) is None
    writer = LoadingWriter(endpoint)
    writer("starting")
    assert read_loading(endpoint) == LoadingStatus("starting")
    writer("unpacking model.nemo", 45, 100)
    found = read_loading(endpoint)
    assert found == LoadingStatus("unpacking model.nemo", 45, 100)
    assert (str(found), str(LoadingStatus("starting"))) == ("unpacking model.nemo, 45 %", "starting")
    forget_loading(endpoint)
    assert read_loading(endpoint) is None
    forget_loading(endpoint)


def test_one_things_progress_is_written_twice_a_second(tmp_path: Path) -> None:
    endpoint, now = f"ipc://{tmp_path}/worker-0", 0.0
    writer = LoadingWriter(endpoint, lambda: now)
    seen = []
    for tenth in range(12):
        now = tenth / 10
        writer("downloading", tenth, 100)
        status = read_loading(endpoint)
        assert status is not None
        seen.append(status.done)
    assert sorted(set(seen)) == [0, 5, 10]


def test_a_file_that_cannot_be_written_is_a_warning(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        LoadingWriter(f"ipc://{tmp_path}/gone/worker-0")("starting")
    assert "cannot say how far the start is" in caplog.text


@pytest.mark.parametrize("content", [b"", b"\x00" * 40, b'{"what": 3}', b'{"wha'])
def test_a_file_that_lost_its_content_says_nothing(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "worker-0.loading").write_bytes(content)
    assert read_loading(f"ipc://{tmp_path}/worker-0") is None


def test_a_file_that_cannot_be_deleted_is_a_warning(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "worker-0.loading").mkdir()
    assert read_loading(f"ipc://{tmp_path}/worker-0") is None
    with caplog.at_level(logging.WARNING):
        forget_loading(f"ipc://{tmp_path}/worker-0")
    assert "cannot delete path=" in caplog.text
