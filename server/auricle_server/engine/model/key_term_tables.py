"""Tables of fixed size on a device, which hold the key-term automata of all streams."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from auricle_server.engine.key_terms.automaton import Automaton
from auricle_server.engine.key_terms.automaton_cache import TableSpan
from auricle_server.engine.model.state_pool import zeros
from auricle_server.engine.ops import KeyTermTables


@dataclass(frozen=True, slots=True)
class Size:
    """How much the tables hold. A state takes 12 bytes, an arc as many; 300 names need some 20,000 arcs."""

    states: int
    arcs: int


NO_SIZE = Size(1, 0)
CPU_SIZE, CUDA_SIZE = Size(1 << 22, 1 << 24), Size(1 << 22, 1 << 24)
"""192 MiB of arcs and 48 MiB of states; 1,000 phrases of 24 characters need up to 1.2 million arcs."""


class KeyTermPool:
    """The tables, and how they are filled. On a CPU, entries that were never written take no memory.

    Attributes:
        tables: The tables.
        size: States and arcs that they hold.

    Args:
        size: Of the tables.
        tokens: Size of the vocabulary: no state has more arcs.
        device: Where the tables are.
    """

    def __init__(self, size: Size, tokens: int, device: torch.device) -> None:
        states, arcs = size.states, size.arcs
        first, count, root = (zeros(states, dtype=torch.int32, device=device) for _ in range(3))
        labels, targets = (zeros(arcs, dtype=torch.int32, device=device) for _ in range(2))
        bonuses = zeros(arcs, device=device)
        self.tables = KeyTermTables(first, count, root, labels, bonuses, targets, tokens)
        self.size = states, arcs
        self._device = device

    @torch.inference_mode()
    def load(self, span: TableSpan, automaton: Automaton) -> None:
        """Writes an automaton to a span of the tables, in stream order."""
        tables, first = self.tables, automaton.first
        for column, values in (
            (tables.first, first[:-1] + span.arc),
            (tables.count, np.diff(first)),
            (tables.root, np.full(automaton.states, span.state)),
        ):
            self._write(column, span.state, values)
        for column, values in (
            (tables.tokens, automaton.tokens),
            (tables.bonuses, automaton.bonuses),
            (tables.targets, automaton.targets + span.state),
        ):
            self._write(column, span.arc, values)

    def _write(self, column: torch.Tensor, at: int, values: npt.NDArray[np.generic]) -> None:
        source = torch.from_numpy(values.astype(np.float32 if column.is_floating_point() else np.int32))
        if self._device.type == "cuda":
            source = source.pin_memory()  # a copy from pageable memory would wait for the device
        column[at : at + len(values)].copy_(source, non_blocking=True)
