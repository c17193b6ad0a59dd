from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch

from auricle_server.engine.frames import UNBOUNDED
from auricle_server.engine.runners.eager import EagerRunner
from auricle_server.engine.runners.graph_program import FIRST_ROUNDS, StaticProgram
from tests.auricle_server.engine.runners.test_eager import chunks, step
from tests.support.engine.tiny_model import model


class Captures:
    """Counts how often each program runs; on a CPU the operations are the program.

    Attributes:
        computes: Whether capturing runs the operations once, as on CUDA.
    """

    computes = False

    def __init__(self) -> None:
        self.runs: list[int] = []

    def __call__(self, operations: Callable[[], None]) -> Callable[[], None]:
        if self.computes:
            operations()
        number = len(self.runs)
        self.runs.append(0)

        def program() -> None:
            self.runs[number] += 1
            operations()

        return program


def run(program: StaticProgram, slots: list[int], position: int, pcm: np.ndarray) -> list[int]:
    inputs = program.inputs(len(slots))
    inputs.pcm[:] = pcm
    row = [slots, slots, position, (position - 1) * 1280 + 200, UNBOUNDED, UNBOUNDED, 14, 0, 0]
    for column, values in zip(inputs.columns, row, strict=True):
        column[:] = values
    steps = program.steps(terms=False)
    program.send()
    steps.begin()
    while program.unfinished:
        steps.resume()
    return [int(token) for token in program.outputs(len(slots), 0.0).tokens]


@pytest.mark.parametrize("captured", [True, False])
def test_a_padded_batch_finds_what_the_eager_runner_finds(captured: bool) -> None:
    captures, reference = Captures(), EagerRunner(model())
    with torch.inference_mode():
        program = StaticProgram(model(), 14, 4)
        if captured:
            program.capture(False, captures)
        for number, pcm in enumerate(chunks()):
            expected = step(reference, [2], 14 * number, pcm[None]).tokens.tolist()
            assert run(program, [2], 14 * number, pcm[None]) == expected
    if captured:
        assert captures.runs[0] == len(chunks())
        assert captures.runs[1] > 0, f"a chunk with many labels takes more than {FIRST_ROUNDS} rounds"


def test_steps_without_and_with_key_terms_are_captured_apart() -> None:
    captures = Captures()
    with torch.inference_mode():
        program = StaticProgram(model(), 2, 1)
        operations = program.steps(terms=True)
        program.capture(True, captures)
        assert program.steps(terms=True) is not operations
        assert not program.is_captured
        program.capture(False, captures)
    assert program.is_captured
    assert len(captures.runs) == 4


def test_a_capture_between_two_batches_leaves_the_state_of_the_streams(monkeypatch: pytest.MonkeyPatch) -> None:
    """On CUDA capturing computes; it reads the columns that the batch before it left."""
    monkeypatch.setattr("tests.auricle_server.engine.runners.test_graph_program.Captures.computes", True)
    sequences = []
    with torch.inference_mode():
        for between in (False, True):
            program, found = StaticProgram(model(), 14, 4), list[list[int]]()
            for number, pcm in enumerate(chunks()):
                found.append(run(program, [2], 14 * number, pcm[None]))
                if between:
                    program.capture(False, Captures())
            sequences.append(found)
    assert sequences[0] == sequences[1]
