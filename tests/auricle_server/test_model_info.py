"""One description of a model, from its checkpoint to the gateways."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from auricle_server.checkpoints import load_checkpoint
from auricle_server.engine import Engine
from auricle_server.ipc.messages import FromWorker, WorkerReady
from auricle_server.ipc.zeromq import decode_from_worker, encode
from auricle_server.model_info import ModelInfo, public_name
from auricle_server.text.calibration import WordCalibration
from tests.support import tongues
from tests.support.tones import CHECKPOINT

WORDS = WordCalibration(((80, 165.0, 95.0),), (8.0, -3.0))


def test_an_engine_describes_the_checkpoint_that_it_runs() -> None:
    checkpoint = replace(load_checkpoint(str(CHECKPOINT)), words=WORDS)
    info = Engine(checkpoint, slots=3, device="cpu").info
    assert (info.name, info.pieces, info.slots) == (str(CHECKPOINT), checkpoint.pieces, 3)
    assert info.latencies_ms == (80, 160, 560, 1120)
    assert info.frame_seconds == pytest.approx(0.08)
    assert info.default_latency_ms in info.latencies_ms
    assert (info.languages, info.default_language, info.words) == (("en-US",), "en-US", WORDS)
    assert 0 < info.lookahead_seconds < 0.08


def test_the_first_language_of_a_multilingual_model_is_its_default() -> None:
    info = Engine(tongues.checkpoint(), slots=1, device="cpu").info
    assert info.languages == tongues.LANGUAGES
    assert info.default_language == "auto"


def test_a_gateway_reads_what_the_engine_wrote() -> None:
    info = ModelInfo("m", ("▁a", "上"), (80, 160), 160, ("auto", "de-DE"), "auto", 0.08, 4, 0.0375, WORDS)
    message = decode_from_worker(encode(FromWorker((WorkerReady(info),))))
    assert message.items == (WorkerReady(info),)


@pytest.mark.parametrize("name", ["demo", "nvidia/nemotron-speech-streaming-en-0.6b", "owner/model@main"])
def test_bundled_models_and_those_of_the_hub_keep_their_names(name: str) -> None:
    assert public_name(name) == name


def test_of_a_path_clients_see_the_last_part(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "secret" / "model"
    folder.mkdir(parents=True)
    (tmp_path / "secret" / "our.nemo").touch()
    monkeypatch.chdir(folder)
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in (str(folder), f"{folder}/", ".", "../model", "~/secret/model"):
        assert public_name(name) == "model", name
    for name in (str(tmp_path / "secret" / "our.nemo"), "../our.nemo", "/gone/our.nemo"):
        assert public_name(name) == "our.nemo"
    assert public_name("/") == "model"
