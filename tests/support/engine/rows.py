"""Two rows as the batcher hands them out: a whole chunk, and a flush."""

from __future__ import annotations

import numpy as np

from auricle_server.engine.scheduling.batch_rows import BatchRows


def rows(terms: int = 0) -> BatchRows:
    return BatchRows(
        frames=2,
        slots=np.array([3, 5]),
        position=np.array([2, 0]),
        origin=np.array([0, 0]),
        samples=np.array([4000, 1000]),
        end=np.array([4000, 1640]),
        last=np.array([2, 2]),
        last_audio_frame=np.array([3, 0]),
        whole=np.array([True, False]),
        marks=np.array([-1, 7]),
        ended=np.array([False, False]),
        prompt=np.array([0, 4]),
        terms=np.array([0, terms]),
    )
