"""Silero over a stream: right, whatever the cuts, and awake after long silence."""

from __future__ import annotations

import itertools
import random

import numpy as np
import pytest
from pipecat.audio.vad.silero import SileroOnnxModel

from auricle_server.bench.clips import BenchClip
from auricle_server.voice import silero as module
from auricle_server.voice import silero_graph
from auricle_server.voice.models import LoadedModels, find_models
from auricle_server.voice.onnx import Floats
from auricle_server.voice.silero import ROWS, WINDOW, PendingAudio, Silero, VoiceTrack, advance_together, rows_agree
from auricle_server.voice.voice_activity import SILENCE_THRESHOLD, SPEECH_THRESHOLD


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


def test_it_is_the_network_that_pipecat_runs(clips: tuple[BenchClip, ...]) -> None:
    """In its own graph, to the last digit but one."""
    path = find_models().silero
    assert path is not None
    theirs, ours = SileroOnnxModel(str(path)), Silero(path, anew=False)
    windows = clips[0].pcm[: 60 * WINDOW].reshape(60, WINDOW)
    expected = [theirs(window.astype(np.float32) / 32768, 16000).item() for window in windows]
    assert VoiceTrack(ours).advance(windows.tobytes()) == pytest.approx(expected, abs=1e-6)


def test_written_anew_it_says_the_same_and_starts_and_ends_voices_in_the_same_windows(
    models: LoadedModels, clips: tuple[BenchClip, ...]
) -> None:
    own = Silero(models.silero._path, anew=False)
    for clip in clips:
        expected = VoiceTrack(own).advance(clip.pcm.tobytes())
        found = VoiceTrack(models.silero).advance(clip.pcm.tobytes())
        assert found == pytest.approx(expected, abs=1e-5)
        for threshold in (SPEECH_THRESHOLD, SILENCE_THRESHOLD):
            assert [each >= threshold for each in found] == [each >= threshold for each in expected]


def test_a_file_of_another_layout_runs_as_it_is(
    models: LoadedModels, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setitem(silero_graph._SHAPES, "decoder.rnn.bias_hh", (513,))
    other, own = Silero(models.silero._path), Silero(models.silero._path, anew=False)
    pcm = np.random.default_rng(0).normal(0, 3000, 30 * WINDOW).astype("<i2").tobytes()
    assert VoiceTrack(other).advance(pcm) == VoiceTrack(own).advance(pcm)
    assert "takes twice the time" in caplog.text


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


@pytest.mark.parametrize("rows", [1, 2, 3, ROWS])
def test_streams_that_share_calls_get_what_they_get_alone(
    models: LoadedModels, clips: tuple[BenchClip, ...], monkeypatch: pytest.MonkeyPatch, rows: int
) -> None:
    """Bit by bit, through resets of the network, however many windows each brings."""
    monkeypatch.setattr(module, "_RESET_EVERY", 16_000)
    monkeypatch.setattr(models.silero, "rows", min(rows, models.silero.rows))
    cuts, speech = random.Random(rows), [clip.pcm.tobytes() for clip in clips]
    tracks, at = [VoiceTrack(models.silero) for _ in clips], [0] * len(clips)
    together: list[list[float]] = [[] for _ in clips]
    while any(start < len(pcm) for start, pcm in zip(at, speech, strict=True)):
        chosen = cuts.sample(range(len(clips)), cuts.randrange(1, len(clips)))
        pieces = [(number, speech[number][at[number] :][: 2 * cuts.randrange(20_000)]) for number in chosen]
        for number, pcm in pieces:
            at[number] += len(pcm)
        found = advance_together([(tracks[number], pcm) for number, pcm in pieces])
        for (number, _), probabilities in zip(pieces, found, strict=True):
            together[number] += probabilities
    assert together == [VoiceTrack(models.silero).advance(pcm) for pcm in speech]


class Rounding(Silero):
    """A network whose rows come out otherwise when there are several, as on some processors."""

    def __init__(self, real: Silero) -> None:
        super().__init__(real._path)
        self.real, self.calls, self.fails = real, list[int](), False

    def load(self) -> None:
        if rows_agree(self.step):
            self.rows = ROWS
        self.calls.clear()

    def step(self, windows: Floats, states: Floats) -> tuple[Floats, Floats]:
        self.calls.append(len(windows))
        if self.fails and len(self.calls) > 3:
            raise ValueError("the network has failed")
        probabilities, states = self.real.step(windows, states)
        return probabilities + np.float32(1e-7) * (len(windows) - 1), states


def test_where_batches_round_otherwise_each_window_goes_alone(
    models: LoadedModels, clips: tuple[BenchClip, ...]
) -> None:
    rounding = Rounding(models.silero)
    pieces = [(VoiceTrack(rounding), clip.pcm[: 8 * WINDOW].tobytes()) for clip in clips[:3]]
    assert advance_together(pieces) == [VoiceTrack(models.silero).advance(pcm) for _, pcm in pieces]
    assert rounding.calls == [1] * 24
    assert rounding.rows == 1


def test_a_failure_changes_no_track(models: LoadedModels, clips: tuple[BenchClip, ...]) -> None:
    failing = Rounding(models.silero)
    pieces = [(VoiceTrack(failing), clip.pcm[: 8 * WINDOW].tobytes()) for clip in clips[:3]]
    failing.fails = True
    with pytest.raises(ValueError, match="has failed"):
        advance_together(pieces)
    failing.fails = False
    assert advance_together(pieces) == [VoiceTrack(models.silero).advance(pcm) for _, pcm in pieces]


def test_this_processor_is_asked_whether_rows_agree(models: LoadedModels) -> None:
    assert models.silero.rows == (ROWS if rows_agree(models.silero.step) else 1)
    assert not rows_agree(Rounding(models.silero).step)


def test_audio_waits_until_a_task_takes_it_in_whole_windows(models: LoadedModels) -> None:
    pending = PendingAudio(VoiceTrack(models.silero), lambda: 7.0)
    pending.pcm += bytes(2 * (3 * WINDOW + 5))
    assert (pending.windows, pending.since) == (3, None)
    assert len(pending.take(2)) == 4 * WINDOW
    assert (pending.windows, pending.since) == (1, 7.0)
    assert len(pending()) == 1
    assert len(pending.pcm) == 10
