from __future__ import annotations

import numpy as np

from auricle_server.engine.frames import UNBOUNDED
from auricle_server.engine.runners.eager import EagerRunner
from auricle_server.engine.runners.runner import StepInputs, StepOutputs
from tests.support import tones
from tests.support.engine.tiny_model import model


def step(runner: EagerRunner, slots: list[int], position: int, pcm: np.ndarray, *, kept: bool = True) -> StepOutputs:
    frames = pcm.shape[1] // 1280
    inputs = runner.inputs(frames, len(slots))
    inputs.pcm[:] = pcm
    row = [slots, slots if kept else [0] * len(slots), position, (position - 1) * 1280 + 200, UNBOUNDED, UNBOUNDED]
    for column, values in zip(inputs.columns, [*row, frames, 0, 0], strict=True):
        column[:] = values
    return runner.launch(inputs).collect()


def chunks() -> np.ndarray:
    """Audio of an utterance as chunks of 14 frames; the first begins before the stream, with silence."""
    audio = np.concatenate([np.zeros(1080, np.int16), tones.utterance(7, 6)[0]])
    return audio[: len(audio) // 17_920 * 17_920].reshape(-1, 17_920)


def test_arrays_fit_the_batch() -> None:
    inputs = EagerRunner(model()).inputs(2, 3)
    assert (inputs.pcm.shape, inputs.columns.shape) == ((3, 2560), (9, 3))


def test_tokens_come_row_after_row_with_scores() -> None:
    runner = EagerRunner(model())
    found = [step(runner, [1, 2], 14 * number, np.stack([pcm, pcm])) for number, pcm in enumerate(chunks())]
    assert sum(int(outputs.counts[0]) for outputs in found) > 5
    for outputs in found:
        half = int(outputs.counts[0])
        assert outputs.counts.tolist() == [half, half]
        assert outputs.tokens[:half].tolist() == outputs.tokens[half:].tolist()
        assert ((outputs.probabilities > 0) & (outputs.probabilities <= 1)).all()
        assert ((outputs.confidences >= 0) & (outputs.confidences <= 1)).all()
        assert outputs.seconds > 0


def test_a_row_that_is_not_kept_can_be_computed_again() -> None:
    runner, twice = EagerRunner(model()), EagerRunner(model())
    for number, pcm in enumerate(chunks()):
        peek = step(twice, [1], 14 * number, pcm[None], kept=False)
        once, again = step(runner, [1], 14 * number, pcm[None]), step(twice, [1], 14 * number, pcm[None])
        assert peek.tokens.tolist() == once.tokens.tolist() == again.tokens.tolist()


def test_warming_up_leaves_streams_alone() -> None:
    runner, warm = EagerRunner(model()), EagerRunner(model())
    first = chunks()[0][None]
    assert warm.warm_up(0.0)
    assert warm.warm_up(0.0)
    expected, found = step(runner, [1], 0, first), step(warm, [1], 0, first)
    assert found.tokens.tolist() == expected.tokens.tolist()
    assert isinstance(warm.inputs(1, 1), StepInputs)
