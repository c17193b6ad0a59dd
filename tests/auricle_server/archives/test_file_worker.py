"""A worker by itself, with the real ledger and the real model, without Ray."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
import soundfile
import torch  # noqa: F401 - the worker loads it on a thread

from auricle_server.archives.attempts import MOST_ATTEMPTS, AttemptLedger
from auricle_server.archives.file_worker import ArchiveWorker
from auricle_server.archives.inputs.sources import ArchiveFile
from auricle_server.archives.options import WorkerSettings
from tests.support import tones

PCM, TEXT = tones.utterance(5, 6)


class Handle:
    """The ledger as Ray hands it out: each method has `remote`, whose result is awaited."""

    def __init__(self, ledger: AttemptLedger) -> None:
        self._ledger = ledger

    def __getattr__(self, name: str) -> Any:
        async def remote(*arguments: Any) -> Any:
            return getattr(self._ledger, name)(*arguments)

        return type("Method", (), {"remote": staticmethod(remote)})


LEDGER = AttemptLedger()


@pytest.fixture(scope="module")
def worker() -> Iterator[ArchiveWorker]:
    made = ArchiveWorker(WorkerSettings(str(tones.CHECKPOINT), threads=1).as_json(), Handle(LEDGER))
    yield made
    made.close()


@pytest.fixture(scope="module")
def call(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("worker") / "call.wav"
    soundfile.write(path, PCM, 16_000)
    return str(path)


def answers(worker: ArchiveWorker, *files: ArchiveFile) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = worker(pa.table({"file": [file.as_json() for file in files]})).to_pylist()
    return found


def test_more_files_than_a_server_takes_at_once(worker: ArchiveWorker, call: str) -> None:
    found = answers(worker, *(ArchiveFile(call, id=str(number)) for number in range(40)))
    assert {json.loads(answer["transcripts"][0])["text"] for answer in found} == {TEXT}
    assert len(found) == 40


def test_a_remote_recording(worker: ArchiveWorker, call: str) -> None:
    import fsspec

    fsspec.filesystem("memory").pipe("/worker/call.wav", Path(call).read_bytes())
    (answer,) = answers(worker, ArchiveFile("memory:///worker/call.wav"))
    row = json.loads(answer["transcripts"][0])
    assert (row["text"], row["source"], row["size"]) == (TEXT, "memory:///worker/call.wav", answer["bytes"])


def test_damage_is_told_beside_the_words_before_it(worker: ArchiveWorker, call: str, tmp_path: Path) -> None:
    soundfile.write(tmp_path / "cut.flac", soundfile.read(call)[0], 16_000)
    whole = (tmp_path / "cut.flac").read_bytes()
    (tmp_path / "cut.flac").write_bytes(whole[: len(whole) * 2 // 3])
    (answer,) = answers(worker, ArchiveFile(str(tmp_path / "cut.flac")))
    row = json.loads(answer["transcripts"][0])
    assert row["damage"]
    assert TEXT.startswith(row["text"].rpartition(" ")[0])
    assert 0 < row["duration"] < len(PCM) / 16_000


def test_a_file_at_which_workers_died_is_done_alone_and_at_last_given_up(worker: ArchiveWorker, call: str) -> None:
    suspect, other = ArchiveFile(call, id="suspect", channel="1"), ArchiveFile(call)
    for deaths in range(1, MOST_ATTEMPTS + 1):
        LEDGER.begin(suspect.key)
        if deaths == 1:
            found = answers(worker, other, suspect, other)
            assert [answer["again"] for answer in found] == [0, 1, 0]
            assert all(answer["transcripts"] for answer in found)
            LEDGER.begin(suspect.key)
    (answer,) = answers(worker, suspect)
    assert "a worker ended while transcribing it, 3 times" in answer["failure"]
    assert LEDGER.begun([suspect.key]) == {}


def test_a_model_that_cannot_be_loaded_is_an_answer() -> None:
    worker = ArchiveWorker(WorkerSettings("no/such/model.nemo").as_json(), Handle(AttemptLedger()))
    (answer,) = answers(worker, ArchiveFile("/a.wav"))
    assert "no/such/model.nemo" in answer["unusable"]
    worker.close()
