"""A bucket of tokens, on a clock that the test turns."""

from __future__ import annotations

import pytest

from auricle_server.gateway.token_bucket import TokenBucket


def test_a_bucket_gives_a_burst_and_then_its_rate() -> None:
    now = 0.0
    bucket = TokenBucket(rate=10, burst=5, clock=lambda: now)
    assert [bucket.take() for _ in range(5)] == [0.0] * 5
    assert [bucket.take() for _ in range(3)] == pytest.approx([0.1, 0.2, 0.3])
    now = 0.3
    assert bucket.take() == pytest.approx(0.1)
    now = 1000.0
    assert [bucket.take() for _ in range(6)] == pytest.approx([0.0] * 5 + [0.1])
