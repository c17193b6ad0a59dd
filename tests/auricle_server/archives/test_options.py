from __future__ import annotations

from pathlib import Path

from auricle_server.archives.archive_format import ArchiveFormat
from auricle_server.archives.inputs.sources import ArchiveFile
from auricle_server.archives.options import ArchiveOptions, WorkerSettings


def options(model: str) -> ArchiveOptions:
    defaults = ArchiveFile("", language="de", keyterms=("Auricle",))
    return ArchiveOptions(("calls",), "out", ArchiveFormat.JSONL, WorkerSettings(model), defaults)


def test_settings_travel_as_json() -> None:
    settings = WorkerSettings("nemotron-en", "cuda", "bfloat16", 4)
    assert WorkerSettings.from_json(settings.as_json()) == settings


def test_an_archive_can_be_moved_to_another_machine(tmp_path: Path) -> None:
    assert options(str(tmp_path / "m.nemo")).decides_words == {
        "model": "m.nemo",
        "dtype": "auto",
        "language": "de",
        "keyterms": ["Auricle"],
    }
    assert options("nvidia/model").decides_words["model"] == "nvidia/model"
