"""What a session's events count."""

from __future__ import annotations

import pytest

from auricle.protocol.server_messages import Error, Final, TurnEnd
from auricle_server.gateway.session.event_queue import SessionMetrics
from auricle_server.telemetry.metrics import Metrics


def final(finalize_id: str | None) -> Final:
    return Final(audio_time=1.0, text="", start=1.0, end=1.0, language="en", finalize_id=finalize_id, settled=1.0)


def test_audio_turn_ends_finalizes_and_errors_are_counted() -> None:
    metrics, now = Metrics(), [0.0]
    session = SessionMetrics(metrics, lambda: now[0])

    def count(name: str, **labels: str) -> float:
        return metrics.registry.get_sample_value(name, labels) or 0.0

    session.on_finalize("a")
    now[0] = 0.25
    session.on_events([final("a"), final(None), final("unknown")], 1.0)
    session.on_events([TurnEnd(audio_time=1.5, probability=1.0, speech_end=1.0, text="")], 1.5)
    session.on_events([Error(code="server_full", fault="server", fatal=False, message="", audio_time=1.5)], 1.5)
    session.on_events([], 1.2)
    session.on_resumed()
    assert count("auricle_audio_seconds_total") == pytest.approx(1.5), "a position that is not new adds nothing"
    assert count("auricle_finalize_seconds_count") == 1
    assert count("auricle_finalize_seconds_sum") == pytest.approx(0.25)
    assert count("auricle_turn_ends_total") == 1
    assert count("auricle_errors_total", code="server_full") == 1
    assert count("auricle_resumed_total") == 1
