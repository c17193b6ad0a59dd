"""The bundled multilingual model: what NeMo hears offline, with five languages in one batch."""

from __future__ import annotations

import random

import numpy as np
import pytest
import torch

from auricle_server.checkpoints import load_checkpoint
from auricle_server.checkpoints.known.bundled import BUNDLED
from auricle_server.engine import Engine
from auricle_server.engine.build import Hardware
from demo_model.prompts import dictionary
from demo_model.texts.languages import BY_CODE
from tests.bench.languages.talks import stretch
from tests.parity.conftest import Reference
from tests.support.feeding import Feeder

pytestmark = [pytest.mark.parity, pytest.mark.timeout(300)]

NAME = "demo-multilingual"


@pytest.fixture(scope="module")
def reference() -> Reference:
    return Reference(BUNDLED[NAME])


@pytest.fixture(scope="module")
def spoken() -> dict[str, np.ndarray]:
    return {code: stretch(code, random.Random(3))[0] for code in BY_CODE}


@pytest.mark.parametrize("latency_ms", [80, 160, 320, 560, 1120])
def test_five_languages_in_one_batch_equal_nemo_offline(
    reference: Reference, spoken: dict[str, np.ndarray], latency_ms: int
) -> None:
    engine = Engine(load_checkpoint(NAME), slots=10, hardware=Hardware("cpu", max_frames=56))
    assert engine.info.latencies_ms == (80, 160, 320, 560, 1120)
    prompts, context = dictionary(), (56, latency_ms // 80 - 1)
    for told in (list(spoken), ["auto"] * len(spoken)):
        jobs = dict(enumerate(spoken.values()))
        heard = Feeder(engine, seed=latency_ms).run(jobs, latency_ms, dict(enumerate(told)), at_once=5)
        for job, language in enumerate(told):
            assert (heard[job].tokens, heard[job].frames) == offline(reference, jobs[job], context, prompts[language])
            assert len(heard[job].tokens) > 10


def offline(
    reference: Reference, audio: np.ndarray, context: tuple[int, int], prompt: int
) -> tuple[list[int], list[int]]:
    with torch.inference_mode():
        encoded = reference.encode(torch.from_numpy(audio.astype(np.float32) / 32768), context)
        reference.model._inference_prompt_index = prompt
        return reference.decode(reference.model._apply_prompt_to_encoded(encoded.T[None])[0].T)
