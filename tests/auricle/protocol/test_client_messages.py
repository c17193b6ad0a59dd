from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from auricle.protocol import Finalize, InvalidMessage, Start, Update


@pytest.mark.parametrize(
    ("build", "field"),
    [
        (lambda: Start(encoding="opus"), "encoding"),  # type: ignore[arg-type]
        (lambda: Start(sample_rate=7_999), "sample_rate"),
        (lambda: Start(sample_rate=48_001), "sample_rate"),
        (lambda: Start(latency_ms=0), "latency_ms"),
        (lambda: Finalize(""), "id"),
        (lambda: Start(sample_rate=16_000.0), "sample_rate"),  # type: ignore[arg-type]
        (lambda: Start(latency_ms=80.0), "latency_ms"),  # type: ignore[arg-type]
        (lambda: Update(latency_ms=np.int64(80)), "latency_ms"),  # type: ignore[arg-type]
        (lambda: Start(language="\ud83d"), "language"),
        (lambda: Update(language=7), "language"),  # type: ignore[arg-type]
        (lambda: Start(keyterms="Auricle"), "keyterms"),  # type: ignore[arg-type]
        (lambda: Update(keyterms=("Auricle", "\ud83d")), "keyterms"),
        (lambda: Update(keyterms=(None,)), "keyterms"),  # type: ignore[arg-type]
        (lambda: Finalize("x" * 129), "id"),
        (lambda: Finalize("\ud83d"), "id"),
    ],
)
def test_a_message_that_exists_is_legal(build: Callable[[], object], field: str) -> None:
    with pytest.raises(InvalidMessage) as caught:
        build()
    assert caught.value.field == field


def test_offline_streams_have_no_latency_of_their_own() -> None:
    with pytest.raises(InvalidMessage, match="offline"):
        Start(offline=True, latency_ms=80)
    assert Start(offline=True).latency_ms is None
