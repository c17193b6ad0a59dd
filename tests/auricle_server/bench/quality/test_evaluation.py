"""All recordings through all systems at all settings, with real servers."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import soundfile

from auricle_server.bench.quality.clip_scores import EvaluatedClip
from auricle_server.bench.quality.evaluation import evaluate_all, prepare
from auricle_server.bench.quality.recognisers.dialects import NATIVE
from auricle_server.bench.quality.recognisers.interface import RecogniserFailed
from auricle_server.bench.quality.recordings import ManifestError, Recording
from auricle_server.bench.quality.setting_run import EvaluatedSystem, EvaluationOptions, describe
from auricle_server.bench.quality.speech_spans import SpeechSource
from auricle_server.bench.quality.stream_mode import StreamMode
from auricle_server.checkpoints.progress import silent
from auricle_server.config import ServerConfig
from tests.support import tones


@pytest.fixture(scope="module")
def recordings(tmp_path_factory: pytest.TempPathFactory) -> list[Recording]:
    """Three of words, one of silence."""
    folder, found = tmp_path_factory.mktemp("recordings"), []
    for seed in (1, 2, 3):
        pcm, text = tones.utterance(seed, 5)
        soundfile.write(folder / f"{seed}.wav", pcm, 16_000)
        found.append(Recording(f"{seed}.wav", folder / f"{seed}.wav", text, None, ()))
    soundfile.write(folder / "silence.wav", np.zeros(16_000), 16_000)
    return [*found, Recording("silence.wav", folder / "silence.wav", "", None, ())]


def at(url: str, name: str = "server") -> EvaluatedSystem:
    return EvaluatedSystem(name=name, dialect=NATIVE, url=url)


async def clips_of(recordings: Sequence[Recording]) -> list[EvaluatedClip]:
    return await prepare(recordings, silent)


async def test_recordings_are_read_before_anything_else(recordings: list[Recording], tmp_path: Path) -> None:
    seen: list[tuple[str, int, int]] = []
    clips = await prepare(recordings, lambda *progress: seen.append(progress))
    assert [clip.source for clip in clips] == [SpeechSource.MANIFEST] * 3 + [SpeechSource.EMPTY]
    assert clips[3].seconds == 1.0
    assert seen[-1] == ("reading recordings", 4, 4)
    (tmp_path / "text.wav").write_text("I am no audio.")
    (tmp_path / "empty.wav").write_bytes(b"")
    bad = [Recording(name, tmp_path / name, "x") for name in ("text.wav", "empty.wav")]
    with pytest.raises(ManifestError, match=r"(?s)text\.wav: not audio.*empty\.wav: the file is empty"):
        await prepare([*recordings, *bad], silent)


async def test_every_mode_and_latency_is_a_row(recordings: list[Recording], tones_server: str) -> None:
    options = EvaluationOptions(modes=tuple(StreamMode), latencies_ms=(80, 560), streams=2)
    seen: list[tuple[str, int, int]] = []
    rows = await evaluate_all(
        await clips_of(recordings), [at(tones_server)], options, lambda *progress: seen.append(progress)
    )
    assert [describe(row.mode, row.latency_ms) for row in rows] == [
        "live, 80 ms",
        "live, 560 ms",
        "refined, 80 ms",
        "refined, 560 ms",
        "offline",
    ]
    for row in rows:
        assert list(row.scores) == [0, 1, 2, 3]
        assert row.figures.all.word_errors is not None
        assert row.figures.all.word_errors.value == 0.0
        assert row.figures.in_silence.count == 0
        assert row.figures.real_time_factor is not None
        assert not row.failures
    assert seen[3] == ("server, live, 80 ms", 4, 4)


async def test_without_a_choice_all_latencies_of_the_model(recordings: list[Recording], tones_server: str) -> None:
    rows = await evaluate_all(await clips_of(recordings[:1]), [at(tones_server)], EvaluationOptions(), silent)
    assert [row.latency_ms for row in rows] == [80, 160, 560, 1120]


async def test_an_own_server_runs_with_its_config_and_another_beside_it(
    recordings: list[Recording], tones_server: str
) -> None:
    own = EvaluatedSystem(
        name="server",
        dialect=NATIVE,
        config=ServerConfig(model=str(tones.CHECKPOINT), cures="off", max_load=0),
    )
    options = EvaluationOptions(latencies_ms=(160,))
    rows = await evaluate_all(await clips_of(recordings), [own, at(tones_server, "other")], options, silent)
    assert [(row.system.name, row.system.cures) for row in rows] == [("server", "off"), ("other", None)]
    assert rows[0].scores[0].found.text == rows[1].scores[0].found.text


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        (EvaluationOptions(latencies_ms=(80, 123)), r"server does not offer 123 ms; .* has 80, 160, 560, 1120 ms"),
        (EvaluationOptions(latencies_ms=(80,), language="de"), r"server: .*de"),
    ],
)
async def test_what_the_model_lacks_is_said(
    recordings: list[Recording], tones_server: str, options: EvaluationOptions, problem: str
) -> None:
    with pytest.raises(RecogniserFailed, match=problem):
        await evaluate_all(await clips_of(recordings), [at(tones_server)], options, silent)


async def test_a_model_that_is_none() -> None:
    own = EvaluatedSystem(name="server", dialect=NATIVE, config=ServerConfig(model="no/such/model.nemo"))
    with pytest.raises(RecogniserFailed, match=r"no/such/model\.nemo"):
        await evaluate_all([], [own], EvaluationOptions(), silent)


async def test_keys_are_in_no_text() -> None:
    assert "secret" not in repr(EvaluatedSystem(name="server", dialect=NATIVE, url="ws://host", api_key="secret"))
