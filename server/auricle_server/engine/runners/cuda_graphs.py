"""Computes batches with programs of fixed shapes, as CUDA graphs, without waiting for the device."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass, replace
from typing import Any

import torch

from auricle_server.engine.key_terms.automaton import Automaton
from auricle_server.engine.key_terms.automaton_cache import TableSpan
from auricle_server.engine.model.forward import Model
from auricle_server.engine.runners.graph_program import ProgramSteps, StaticProgram
from auricle_server.engine.runners.runner import StepInputs, StepOutputs
from auricle_server.engine.runners.shapes import CapturedShape, ProgramShape, capture_order, row_counts


class StaticRunner:
    """See `Runner`.

    The device runs one program while the host assembles the next batch; all work is on one CUDA stream, in order.

    A batch runs in the smallest shape that holds it and has been captured. Before the first one of its chunk size is
    captured, it runs operation by operation, which gives the same results and takes the host's time.

    Args:
        model: What to compute.
        max_rows: Most rows of a batch, by chunk size.

    Attributes:
        captured: What was captured, in order.
    """

    def __init__(self, model: Model, max_rows: dict[int, int]) -> None:
        self.depth = 1 if model.device.type == "cuda" else 0
        self.captured: list[CapturedShape] = []
        self._model = model
        self._device = _Device(model.device)
        self._programs: dict[tuple[int, int], StaticProgram] = {}
        # A slot has at most one row in a batch.
        self._counts = {frames: row_counts(frames, min(most, model.slots)) for frames, most in max_rows.items()}
        self._to_capture = deque(capture_order(self._counts, model.takes_key_terms))
        self._needed = len(self._counts) * (2 if model.takes_key_terms else 1)
        """Of the shapes to capture, those without which a chunk size has no program."""
        self._chosen: StaticProgram | None = None

    def inputs(self, frames: int, rows: int) -> StepInputs:
        """See `Runner`."""
        with self._device.stream():
            self._chosen = self._program(frames, self._rows_of(frames, rows))
        # The caller writes to pinned memory next, from which the asynchronous copy before may still read.
        self._device.wait_until_sent()
        return self._chosen.inputs(rows)

    def launch(self, inputs: StepInputs) -> StaticBatch:
        """See `Runner`."""
        assert self._chosen is not None, "inputs come first"
        batch = StaticBatch(self._chosen, self._chosen.steps(inputs.has_terms), inputs.columns.shape[1], self._device)
        self._device.send(self._chosen.send)
        self._device.run(batch.steps.begin)
        return batch

    def reset(self, slots: list[int]) -> None:
        """See `Runner`."""
        with self._device.stream():
            self._model.state.reset(slots)

    def start_from(self, slot: int) -> None:
        """See `Runner`."""
        with self._device.stream():
            self._model.state.start_from(slot)

    def load_terms(self, span: TableSpan, automaton: Automaton) -> None:
        """See `Runner`."""
        with self._device.stream():
            self._model.key_terms.load(span, automaton)

    def warm_up(self, seconds: float) -> bool:
        """See `Runner`. What every batch needs is captured in any case; each call captures at least one shape."""
        ends = time.monotonic() + seconds
        while self._to_capture:
            self._capture(self._to_capture.popleft())
            if len(self.captured) >= self._needed and time.monotonic() >= ends:
                break
        return not self._to_capture

    def _capture(self, shape: ProgramShape) -> None:
        began, free = time.monotonic(), self._device.free_bytes()
        with self._device.stream():
            program = self._program(shape.frames, shape.rows)
            program.capture(shape.terms, self._device.capture)
        # Once: the device receives a graph with its first launch.
        self._chosen = program
        self._device.wait_until_sent()
        inputs = program.inputs(shape.rows)
        inputs.pcm.fill(0)
        inputs.columns.fill(0)
        inputs.columns[-1] = shape.terms
        self.launch(inputs).collect()
        took = time.monotonic() - began
        self.captured.append(CapturedShape(shape, took, max(0, free - self._device.free_bytes())))

    def _rows_of(self, frames: int, rows: int) -> int:
        """Rows of the shape in which so many rows run."""
        fitting = [count for count in self._counts[frames] if count >= rows]
        captured = (count for count in fitting if (frames, count) in self._programs)
        return next((count for count in captured if self._programs[frames, count].is_captured), fitting[0])

    def _program(self, frames: int, rows: int) -> StaticProgram:
        key = frames, rows
        if key not in self._programs:
            self._programs[key] = StaticProgram(self._model, frames, rows)
        return self._programs[key]


@dataclass(frozen=True, slots=True)
class StaticBatch:
    """See `PendingBatch`."""

    program: StaticProgram
    steps: ProgramSteps
    rows: int
    device: _Device

    def collect(self) -> StepOutputs:
        """See `PendingBatch`."""
        waited = self.device.wait()
        # A batch whose rows have at most one label each is complete already (`FIRST_ROUNDS`).
        while self.program.unfinished:
            self.device.run(self.steps.resume)
            waited += self.device.wait()
        return replace(self.program.outputs(self.rows, self.device.seconds()), waited=waited)


class _Device:
    """A CUDA stream, or the CPU, which does everything at once."""

    def __init__(self, device: torch.device) -> None:
        self._cuda = device.type == "cuda"
        if self._cuda:
            torch.cuda.synchronize(device)  # parameters and pools were made on another stream
            # A stream of its own: CUDA captures no graph on the default stream.
            self._stream = torch.cuda.Stream(device)  # type: ignore[no-untyped-call]
            self._sent = torch.cuda.Event(enable_timing=True)  # type: ignore[no-untyped-call]
            self._done = torch.cuda.Event(enable_timing=True)  # type: ignore[no-untyped-call]
            self._pool = torch.cuda.graph_pool_handle()
        self._index = device
        self._began = 0.0

    def stream(self) -> Any:
        """Context in which operations go to the stream."""
        return torch.cuda.stream(self._stream) if self._cuda else nullcontext()

    def run(self, program: Callable[[], None]) -> None:
        """Enqueues a program."""
        with self.stream():
            program()
            if self._cuda:
                self._done.record(self._stream)

    def wait(self) -> float:
        """Waits until all work on the stream is done; returns for how many seconds."""
        if not self._cuda:
            return 0.0
        began = time.perf_counter()
        self._done.synchronize()
        return time.perf_counter() - began

    def send(self, copy: Callable[[], None]) -> None:
        """Enqueues the copy of a batch's input."""
        self._began = time.perf_counter()
        self.run(copy)
        if self._cuda:
            self._sent.record(self._stream)

    def wait_until_sent(self) -> None:
        """Waits until the latest input was read from host memory."""
        if self._cuda:
            self._sent.synchronize()

    def seconds(self) -> float:
        """From the arrival of the latest input to the end of all work; valid when it is done."""
        if self._cuda:
            return float(self._sent.elapsed_time(self._done)) / 1000
        return time.perf_counter() - self._began

    def free_bytes(self) -> int:
        """Free memory of a GPU; 0 on a CPU."""
        return torch.cuda.mem_get_info(self._index)[0] if self._cuda else 0

    def capture(self, operations: Callable[[], None]) -> Callable[[], None]:
        """A CUDA graph of the operations, which share the memory of their intermediate results with other graphs.

        This is safe because graphs run one after the other, and what one passes to another lies in tensors that were
        allocated before.
        """
        if not self._cuda:
            return operations
        operations()  # compiles kernels, makes FFT plans and cuBLAS workspaces, which a capture cannot
        self._stream.synchronize()
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph, pool=self._pool, stream=self._stream):
            operations()
        return graph.replay
