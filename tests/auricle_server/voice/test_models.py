"""The models are found without importing anything, and what is missing is said in a sentence."""

from __future__ import annotations

import subprocess
import sys
from importlib.machinery import ModuleSpec
from pathlib import Path

import pytest

from auricle_server.voice import models
from auricle_server.voice.models import ModelFiles, ModelsMissing, find_models, find_wanted, load_models, models_of


def test_this_installation_has_both() -> None:
    found = find_models()
    assert found.signals == ("voice", "prosody")
    assert found.missing == ""


def test_looking_for_them_imports_nothing() -> None:
    code = (
        "import sys\nfrom auricle_server.voice.models import find_models\n"
        "assert find_models().signals\n"
        "sys.exit(any(name in sys.modules for name in ('pipecat', 'onnxruntime', 'numpy', 'torch')))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False, timeout=60).returncode == 0


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> dict[str, ModuleSpec | None]:
    """What `find_spec` finds; an empty Pipecat unless a test says otherwise."""
    pipecat = ModuleSpec("pipecat", None, is_package=True)
    pipecat.submodule_search_locations = [str(tmp_path)]
    specs: dict[str, ModuleSpec | None] = {"pipecat": pipecat, "onnxruntime": ModuleSpec("onnxruntime", None)}
    monkeypatch.setattr(models, "find_spec", specs.get)
    return specs


def put(folder: Path, name: str, content: bytes = b"not a model") -> Path:
    path = folder / name
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    return path


@pytest.mark.parametrize(("absent", "named"), [("onnxruntime", "onnxruntime"), ("pipecat", "pipecat-ai")])
def test_a_missing_package_is_named(installed: dict[str, ModuleSpec | None], absent: str, named: str) -> None:
    installed[absent] = None
    found = find_models()
    assert found.signals == ()
    assert named in found.missing
    with pytest.raises(ModelsMissing, match=r"pip install '\.\[turns\]'"):
        find_wanted("require")


@pytest.mark.usefixtures("installed")
def test_silero_alone_gives_the_voice_and_is_not_enough_where_both_are_required(tmp_path: Path) -> None:
    put(tmp_path, models._SILERO)
    found = find_wanted("auto")
    assert found.signals == ("voice",)
    assert "smart-turn" in found.missing
    assert models_of(found).smart_turn is None
    with pytest.raises(ModelsMissing, match="smart-turn"):
        find_wanted("require")


@pytest.mark.usefixtures("installed")
def test_smart_turn_alone_gives_nothing_as_silero_times_it(tmp_path: Path) -> None:
    put(tmp_path, models._SMART_TURN)
    found = find_models()
    assert found.signals == ()
    assert "silero" in found.missing


def test_off_looks_for_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(models, "find_models")
    assert find_wanted("off").signals == ()


@pytest.mark.usefixtures("installed")
def test_a_damaged_file_is_found_out_when_required(tmp_path: Path) -> None:
    put(tmp_path, models._SILERO)
    put(tmp_path, models._SMART_TURN)
    with pytest.raises(ModelsMissing, match="cannot be loaded"):
        find_wanted("require")


def test_nothing_loads_from_nothing() -> None:
    with pytest.raises(ModelsMissing, match="turn_models is off"):
        load_models(ModelFiles(missing="turn_models is off"))
