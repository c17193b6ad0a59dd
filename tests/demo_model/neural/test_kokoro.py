from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from demo_model.neural import kokoro
from demo_model.neural.kokoro import KokoroVoice


def test_a_mix_lies_between_two_speakers(tmp_path: Path) -> None:
    (tmp_path / "voices").mkdir()
    for name, value in (("af_one", 1.0), ("bm_two", 3.0)):
        np.full(510 * 256, value, np.float32).tofile(tmp_path / "voices" / f"{name}.bin")
    mixed = KokoroVoice("af_one", "bm_two", 0.25).styles(tmp_path)
    assert mixed.dtype == np.float32
    np.testing.assert_allclose(mixed, 1.5)
    np.testing.assert_allclose(KokoroVoice("bm_two").styles(tmp_path), 3.0)


def test_a_mix_speaks_as_its_larger_part_does() -> None:
    assert KokoroVoice("bf_one").british
    assert not KokoroVoice("af_one", "bf_two", 0.4).british
    assert KokoroVoice("af_one", "bf_two", 0.6).british
    assert KokoroVoice("af_one", "bf_two", 0.6).name == "kokoro-af_one+bf_two@0.60"


def test_the_engines_folder_can_be_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(kokoro.FOLDER_VARIABLE, str(tmp_path))
    assert kokoro.engines_folder() == tmp_path
