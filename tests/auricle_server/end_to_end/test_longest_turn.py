"""Speech without an end through the real worker and engine: bounded turns lose and double no word, refined or not."""

from __future__ import annotations

from itertools import pairwise

import pytest

from auricle.protocol.client_messages import Start
from auricle.protocol.server_messages import Final, TurnEnd
from auricle.protocol.settings import Refine, TurnMode, TurnSettings
from auricle_server.checkpoints import load_checkpoint
from auricle_server.engine import Engine
from tests.auricle_server.end_to_end.test_second_pass import Script
from tests.support import tones


@pytest.fixture(scope="module")
def engine() -> Engine:
    return Engine(load_checkpoint(str(tones.CHECKPOINT)), slots=4, device="cpu", threads=1)


@pytest.mark.parametrize("refine", ["off", "on"])
@pytest.mark.parametrize("mode", ["off", "silence"])
@pytest.mark.parametrize("seed", range(3))
def test_every_word_is_in_one_final_and_every_final_is_short(
    engine: Engine, seed: int, mode: TurnMode, refine: Refine
) -> None:
    most = 1.0 + seed / 2
    turn = TurnSettings(mode, silence_ms=5_000, max_turn_seconds=most)
    script = Script(seed, utterances=5, trailing=(0.1, 0.2), finalizes=0.05 * (seed % 2))
    unbounded = script.play(engine, Start(turn=TurnSettings("off"), refine=refine, latency_ms=160))
    said = " ".join(final.text for final in unbounded.finals if final.text)
    call = script.play(engine, Start(turn=turn, refine=refine, latency_ms=160))
    finals = [event for event in call.events if isinstance(event, Final) and event.text]
    assert " ".join(final.text for final in finals) == said
    assert len(finals) > len([final for final in unbounded.finals if final.text])
    assert all(before.end <= after.start for before, after in pairwise(finals))
    assert all(final.end - final.start <= most + 0.32 for final in finals)
    if mode == "silence":
        assert " ".join(event.text for event in call.events if isinstance(event, TurnEnd)) == said
    if refine == "on":
        assert all(final.refined for final in finals)
