"""Turn ends of silence mode lie on the chunk clock: on real speech, through the engine, at every latency."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from auricle.protocol.client_messages import Start
from auricle.protocol.server_messages import Limits, TurnEnd
from auricle.protocol.settings import TurnSettings
from auricle_server.checkpoints import load_checkpoint
from auricle_server.demo.programme import load_clips
from auricle_server.engine import Engine
from auricle_server.ipc.columns import ChunkResult
from auricle_server.stream.stream_state import StreamState
from auricle_server.worker.factory import model_info

LIMITS = Limits(1 << 20, 10.0, 3600.0, 60.0)
CLIPS = 3
EXACT = 1e-6


@pytest.fixture(scope="module")
def engine() -> Engine:
    return Engine(load_checkpoint("demo"), slots=4, device="cpu", threads=1)


@pytest.fixture(scope="module")
def speech() -> npt.NDArray[np.int16]:
    pieces = [np.frombuffer(clip.pcm, np.int16) for clip in load_clips()[:CLIPS]]
    return np.concatenate([*pieces, np.zeros(48_000, np.int16)])


def turn_ends(engine: Engine, speech: npt.NDArray[np.int16], latency_ms: int, silence_ms: int) -> list[TurnEnd]:
    stream = StreamState(
        model_info(engine), Start(latency_ms=latency_ms, turn=TurnSettings(silence_ms=silence_ms)), "s"
    )
    stream.ready(LIMITS)
    lease = engine.open(latency_ms, engine.info.default_language)
    engine.push(lease, speech)
    stream.count_audio(len(speech))
    ends: list[TurnEnd] = []
    while engine.ready:
        for row in engine.step().rows():
            result = ChunkResult(0, row.samples, row.tokens, row.frames, row.probabilities, row.confidences)
            ends += [event for event in stream.on_result(result) if isinstance(event, TurnEnd)]
    engine.close(lease)
    return ends


@pytest.mark.parametrize("silence_ms", [80, 300, 1130])
@pytest.mark.parametrize("latency_ms", [80, 160, 560, 1120])
def test_every_turn_ends_on_the_first_chunk_behind_the_silence(
    engine: Engine, speech: npt.NDArray[np.int16], latency_ms: int, silence_ms: int
) -> None:
    ends = turn_ends(engine, speech, latency_ms, silence_ms)
    assert len(ends) >= CLIPS - 1  # a chunk of 1.12 s and a long silence may reach beyond a pause
    for end in ends:
        waited = end.audio_time - end.speech_end
        assert silence_ms / 1000 - EXACT <= waited < (silence_ms + latency_ms) / 1000 - EXACT
        frames = (end.audio_time * 16_000 - 200) / 1280 + 1  # that the result rests on
        assert frames == pytest.approx(round(frames))
        assert round(frames) % (latency_ms // 80) == 0
