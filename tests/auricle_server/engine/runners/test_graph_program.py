from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch

from auricle_server.engine.frames import UNBOUNDED
from auricle_server.engine.runners.eager import EagerRunner
from auricle_server.engine.runners.graph_program import FIRST_ROUNDS, StaticProgram
from tests.auricle_server.engine.runners.test_eager import chunks, step
from tests.support.engine.tiny_model import model


class Captures:
    """Counts how often each program runs; on a CPU the operations are the program."""

    def __init__(self) -> None:
        self.runs: list[int] = []

    def __call__(self, operations: Callable[[], None]) -> Callable[[], None]:
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
    program.send()
    program.without_terms.begin()
    while program.unfinished:
        program.without_terms.resume()
    return [int(token) for token in program.outputs(len(slots), 0.0).tokens]


def test_a_padded_batch_finds_what_the_eager_runner_finds() -> None:
    captures, reference = Captures(), EagerRunner(model())
    with torch.inference_mode():
        program = StaticProgram(model(), 14, 4, captures)
        for number, pcm in enumerate(chunks()):
            expected = step(reference, [2], 14 * number, pcm[None]).tokens.tolist()
            assert run(program, [2], 14 * number, pcm[None]) == expected
    assert captures.runs[0] == len(chunks())
    assert captures.runs[1] > 0, f"a chunk with many labels takes more than {FIRST_ROUNDS} rounds"


def test_programs_with_key_terms_are_made_when_they_are_needed() -> None:
    captures = Captures()
    with torch.inference_mode():
        program = StaticProgram(model(), 2, 1, captures)
        assert len(captures.runs) == 2
        assert program.with_terms is program.with_terms
    assert len(captures.runs) == 4
