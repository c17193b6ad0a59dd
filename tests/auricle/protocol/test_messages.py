from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np
import pytest

from auricle.protocol import Finalize, InvalidMessage, Start, TurnSettings, Update, client_messages, server_messages


@pytest.mark.parametrize(
    ("build", "field"),
    [
        (lambda: Start(encoding="opus"), "encoding"),  # type: ignore[arg-type]
        (lambda: Start(sample_rate=7_999), "sample_rate"),
        (lambda: Start(sample_rate=48_001), "sample_rate"),
        (lambda: Start(latency_ms=0), "latency_ms"),
        (lambda: TurnSettings(mode="vad"), "turn.mode"),  # type: ignore[arg-type]
        (lambda: TurnSettings(silence_ms=79), "turn.silence_ms"),
        (lambda: TurnSettings(silence_ms=10_001), "turn.silence_ms"),
        (lambda: Finalize(""), "id"),
        (lambda: TurnSettings(silence_ms=500.0), "turn.silence_ms"),  # type: ignore[arg-type]
        (lambda: TurnSettings(eager_silence_ms=100.5), "turn.eager_silence_ms"),  # type: ignore[arg-type]
        (lambda: TurnSettings(end_threshold="0.5"), "turn.end_threshold"),  # type: ignore[arg-type]
        (lambda: TurnSettings(eager_threshold=True), "turn.eager_threshold"),
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


def test_every_type_of_the_wire_has_its_own_name() -> None:
    messages = {**vars(client_messages), **vars(server_messages)}.values()
    kinds = [kind for kind in messages if dataclasses.is_dataclass(kind) and hasattr(kind, "TYPE")]
    assert len({kind.TYPE for kind in kinds}) == len(kinds) == 13
