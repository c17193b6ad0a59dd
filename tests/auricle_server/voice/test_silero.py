"""Silero over a stream: right, whatever the cuts, and awake after long silence."""

from __future__ import annotations

import itertools
import random

import numpy as np
import pytest
from pipecat.audio.vad.silero import SileroOnnxModel

from auricle_server.bench.clips import BenchClip
from auricle_server.voice.models import LoadedModels, find_models
from auricle_server.voice.silero import WINDOW, VoiceTrack


def pieces(pcm: bytes, seed: int) -> list[bytes]:
    cuts = random.Random(seed)
    ends = [0, *sorted(2 * cuts.randrange(len(pcm) // 2) for _ in range(50)), len(pcm)]
    return [pcm[start:end] for start, end in itertools.pairwise(ends)]


@pytest.mark.parametrize("seed", range(3))
def test_cuts_change_nothing(models: LoadedModels, clips: tuple[BenchClip, ...], seed: int) -> None:
    pcm = clips[0].pcm.tobytes()
    track = VoiceTrack(models.silero)
    cut = [probability for piece in pieces(pcm, seed) for probability in track.advance(piece)]
    assert cut == VoiceTrack(models.silero).advance(pcm)
    assert len(cut) == len(pcm) // 2 // WINDOW


def test_company_changes_nothing(models: LoadedModels, clips: tuple[BenchClip, ...]) -> None:
    tracks = [VoiceTrack(models.silero) for _ in clips]
    together: list[list[float]] = [[] for _ in clips]
    for at in range(0, 60_000, 700):
        for track, clip, heard in zip(tracks, clips, together, strict=True):
            heard.extend(track.advance(clip.pcm[at : at + 700].tobytes()))
    for clip, heard in zip(clips, together, strict=True):
        assert heard == VoiceTrack(models.silero).advance(clip.pcm[: 86 * 700].tobytes())


def test_it_is_the_network_that_pipecat_runs(models: LoadedModels, clips: tuple[BenchClip, ...]) -> None:
    path = find_models().silero
    theirs = SileroOnnxModel(str(path))
    windows = clips[0].pcm[: 60 * WINDOW].reshape(60, WINDOW)
    expected = [theirs(window.astype(np.float32) / 32768, 16000).item() for window in windows]
    assert VoiceTrack(models.silero).advance(windows.tobytes()) == pytest.approx(expected, abs=1e-6)


def test_voices_are_found_where_speech_is(models: LoadedModels, clips: tuple[BenchClip, ...]) -> None:
    for clip in clips:
        heard = np.array(VoiceTrack(models.silero).advance(clip.pcm.tobytes()))
        times = (np.arange(len(heard)) + 0.5) * WINDOW / 16000
        spoken = np.zeros(len(heard), bool)
        near = np.zeros(len(heard), bool)
        for start, end in clip.turns:
            spoken |= (times > start) & (times < end)
            near |= (times > start - 0.3) & (times < end + 0.3)
        assert np.mean(heard[spoken] >= 0.5) > 0.75, clip.text
        assert np.mean(heard[~near] >= 0.5) < 0.05, clip.text


def test_a_voice_is_noticed_as_soon_after_minutes_of_tones_as_at_the_beginning(
    models: LoadedModels, clips: tuple[BenchClip, ...]
) -> None:
    """Without resets, a minute of this leaves the network's state where it takes longer to notice speech."""
    rng = np.random.default_rng(1)
    time = np.arange(60 * 16000) / 16000
    music = sum(2000 * np.sin(2 * np.pi * pitch * time) for pitch in (262, 330, 392))
    hum = (music + rng.normal(0, 100, len(time))).astype("<i2")[: 60 * 16000 // WINDOW * WINDOW]
    speech = clips[0].pcm[: 96 * WINDOW]
    track = VoiceTrack(models.silero)
    assert max(track.advance(hum.tobytes())) < 0.5
    after = [probability >= 0.5 for probability in track.advance(speech.tobytes())]
    fresh = [probability >= 0.5 for probability in VoiceTrack(models.silero).advance(speech.tobytes())]
    assert abs(after.index(True) - fresh.index(True)) <= 2
    assert abs(sum(after) - sum(fresh)) <= 5
