"""What the doctor finds out about a model, before and after a download."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from huggingface_hub import constants

from auricle_server.checkpoints.hub.cache import Repository
from auricle_server.checkpoints.hub.download import download
from auricle_server.checkpoints.known.nemotron import ENGLISH, MULTILINGUAL
from auricle_server.commands.doctor import model as model_checks
from auricle_server.commands.doctor.findings import CheckStatus, Finding
from auricle_server.engine import memory_fit
from auricle_server.voice import models
from tests.support import tones
from tests.support.hub import COMMIT, CONTENT, FILE, Hub, serving

PATHS = "/{repo_id}/resolve/{revision}/{filename}"


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache, and no hub."""
    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    return tmp_path / "hub"


@pytest.fixture
def english(safetensors: dict[str, bytes], monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    """A hub with both formats of a model under the name of the English one."""
    with serving(Hub(ENGLISH.id, {FILE: CONTENT, **safetensors})) as hub:
        monkeypatch.setattr(constants, "ENDPOINT", hub.address)
        monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", f"{hub.address}{PATHS}")
        yield hub


def only(findings: Iterator[Finding]) -> Finding:
    (finding,) = findings
    return finding


# --- before a download -----------------------------------------------------------------------------------------------


def test_before_a_download_its_size_licence_and_commit_are_named_and_nothing_is_downloaded(
    english: Hub, safetensors: dict[str, bytes], cache: Path
) -> None:
    model, disk = model_checks.check_checkpoint(ENGLISH.id)
    size = sum(map(len, safetensors.values())) / 1e6
    assert (model.verdict, model.remedy) == (CheckStatus.NOTE, f"auricle pull {ENGLISH.id}")
    assert f"a server downloads {size:.1f} MB at start-up (safetensors; commit {COMMIT[:8]};" in model.detail
    assert "NVIDIA Open Model License" in model.detail
    assert (disk.subject, disk.verdict) == ("disk", CheckStatus.GOOD)
    assert f"free for the cache {cache}, {size:.1f} MB needed" in disk.detail
    assert english.downloads == []


def test_a_model_without_a_profile_has_the_licence_of_its_card(english: Hub) -> None:
    english.repo, english.files = "acme/model", {FILE: CONTENT}
    model, _ = model_checks.check_checkpoint("acme/model")
    assert f"(.nemo; commit {COMMIT[:8]}; a-licence)" in model.detail
    assert list(model_checks.check_memory("acme/model")) == []
    assert list(model_checks.check_profile("acme/model")) == []


def test_a_disk_without_room_is_bad(english: Hub) -> None:
    english.claimed["model.safetensors"] = 10**15
    _, disk = model_checks.check_checkpoint(ENGLISH.id)
    assert disk.verdict is CheckStatus.BAD
    assert "1000000.00 GB needed" in disk.detail
    assert "HF_HOME" in disk.remedy


def test_without_the_hub_the_profile_says_what_is_known() -> None:
    model, disk = model_checks.check_checkpoint(f"{MULTILINGUAL.id}@main")
    assert model.verdict is CheckStatus.NOTE
    assert ".safetensors of 2.55 GB or .nemo of 2.37 GB; branch main; OpenMDW-1.1" in model.detail
    assert "the model hub cannot be reached" in model.detail
    assert "2.55 GB needed" in disk.detail
    january = only(model_checks.check_checkpoint(f"{ENGLISH.id}@nemotron-speech-streaming-jan2026"))
    assert "branch nemotron-speech-streaming-jan2026 (January 2026)" in january.detail


def test_without_hub_and_profile_it_is_said_that_the_model_is_not_here() -> None:
    finding = only(model_checks.check_checkpoint("acme/no-such-model"))
    assert (finding.verdict, finding.remedy) == (CheckStatus.NOTE, "")
    assert "acme/no-such-model is not on this machine" in finding.detail
    assert "auricle pull acme/no-such-model" in finding.detail


def test_memory_is_known_before_the_download() -> None:
    finding = only(model_checks.check_memory(MULTILINGUAL.id))
    assert "1.25 GB for the weights in fp16-weights and 11.9 MB for each stream" in finding.detail


def test_too_little_memory_is_bad(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory_fit, "free_memory", lambda _: 1_000_000_000)  # less than this machine has
    finding = only(model_checks.check_memory(ENGLISH.id))
    assert finding.verdict is CheckStatus.BAD
    assert finding.detail.endswith("1.00 GB free on cpu: too little")


def test_ills_and_cures_of_a_published_model_are_listed() -> None:
    findings = list(model_checks.check_profile(MULTILINGUAL.id))
    assert [finding.detail for finding in findings if finding.subject == "latencies"] == [
        "80, 160, 320, 560, 1120 ms, 320 by default"
    ]
    assert [finding.remedy for finding in findings if finding.subject == "known ill"] == [
        ill.cure for ill in MULTILINGUAL.ills
    ]
    assert "need fine-tuning first: el-GR" in findings[1].detail
    assert "on by default: warm-up=1.12,refresh=20,watch=2" in findings[-1].detail
    assert all(finding.verdict is not CheckStatus.BAD for finding in findings)
    assert list(model_checks.check_profile("demo")) == []


def test_cures_that_need_voice_detection_ask_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(models, "find_spec", lambda _: None)
    finding = list(model_checks.check_profile(ENGLISH.id))[-1]
    assert (finding.subject, finding.verdict) == ("cures", CheckStatus.NOTE)
    assert finding.detail.endswith("without voice detection: onnxruntime is not installed")
    assert "'.[turns]'" in finding.remedy


# --- on this machine -------------------------------------------------------------------------------------------------


def test_a_model_that_was_downloaded_is_loaded_and_keeps_its_profile(english: Hub) -> None:
    download(Repository(ENGLISH.id))
    finding = only(model_checks.check_checkpoint(ENGLISH.id))
    assert finding.verdict is CheckStatus.GOOD
    assert "loads in" in finding.detail
    assert len(list(model_checks.check_profile(ENGLISH.id))) == len(ENGLISH.ills) + 2


def test_a_checkpoint_that_loads_and_its_memory() -> None:
    finding = only(model_checks.check_checkpoint(str(tones.CHECKPOINT)))
    assert finding.verdict is CheckStatus.GOOD
    assert "loads in" in finding.detail
    finding = only(model_checks.check_memory(str(tones.CHECKPOINT)))
    assert finding.verdict is CheckStatus.GOOD
    assert "holds 64 streams" in finding.detail


def test_a_checkpoint_that_is_none(tmp_path: Path) -> None:
    file = tmp_path / "x.nemo"
    file.write_bytes(b"not a checkpoint")
    finding = only(model_checks.check_checkpoint(str(file)))
    assert finding.verdict is CheckStatus.BAD
    assert "x.nemo" in finding.detail
    assert finding.remedy
    assert list(model_checks.check_memory(str(file))) == []
