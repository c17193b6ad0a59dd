from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import soundfile

from demo_model.audio import acoustics, recordings

RATE = 16_000


def recorded(folder: Path) -> Path:
    (folder / "rooms").mkdir()
    generator = np.random.default_rng(0)
    for index in range(8):
        soundfile.write(folder / f"noise_{index}.wav", 0.1 * generator.standard_normal(8000), 8000)
    for index in range(4):
        response = np.zeros(RATE)
        response[100], response[900] = 0.5, 0.2
        soundfile.write(folder / "rooms" / f"room_{index}.flac", response, RATE)
    return folder


def test_training_and_evaluation_hear_different_recordings(tmp_path: Path) -> None:
    recorded(tmp_path)
    training, held_out = recordings.read(tmp_path), recordings.read(tmp_path, held_out=True)
    assert len(training.noises) == 6
    assert set(held_out.noises) == {"noise_3", "noise_7"}
    assert set(held_out.rooms) == {"room_3"}
    assert not set(training.noises) & set(held_out.noises)
    assert len(training.noises["noise_0"]) == RATE, "resampled to 16 kHz"


def test_a_room_starts_with_the_direct_sound(tmp_path: Path) -> None:
    response = recordings.read(recorded(tmp_path)).rooms["room_0"]
    assert response[0] == 1
    np.testing.assert_allclose(response[800], 0.4, atol=1e-3)
    click = np.zeros(2000, np.float32)
    click[10] = 1
    out = recordings.in_recorded_room(click, response)
    assert out.argmax() == 10
    assert len(out) == 2000


def test_conditions_use_recordings_and_keep_the_signal_to_noise_ratio(tmp_path: Path) -> None:
    known = recordings.read(recorded(tmp_path))
    drawn = [acoustics.draw(random.Random(seed), known) for seed in range(200)]
    assert {condition.noise for condition in drawn} > {"noise_0", "pink", None}
    assert {condition.room for condition in drawn} == {None, "room_0", "room_1", "room_2"}
    quiet = np.zeros(RATE, np.float32)
    condition = acoustics.Acoustics(noise="noise_1", snr=20, level=-30)
    noise = acoustics.noise_like(quiet, condition, np.random.default_rng(0), known)
    assert abs(20 * np.log10(np.sqrt(np.mean(noise**2))) + 50) < 0.1


def test_without_a_folder_there_are_no_recordings() -> None:
    assert recordings.read(None) == recordings.Recordings()
