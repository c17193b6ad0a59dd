from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auricle_server.bench.search import OutOfTime, largest


@given(limit=st.integers(0, 5000), start=st.integers(1, 600), most=st.integers(1, 4000))
def test_finds_the_limit_to_its_precision(limit: int, start: int, most: int) -> None:
    tried: list[int] = []

    def holds(streams: int) -> bool:
        tried.append(streams)
        return streams <= limit

    found = largest(holds, start=start, most=most)
    assert len(tried) == len(set(tried)) <= 30
    assert all(1 <= streams <= most for streams in tried)
    assert found == 0 or found in tried
    exact = min(limit, most)
    assert found <= exact
    assert exact - found <= max(1, 0.06 * (exact + 1))


def test_nothing_holds() -> None:
    assert largest(lambda _: False, start=8, most=64) == 0


@pytest.mark.parametrize("most", [1, 7, 8, 64])
def test_everything_holds(most: int) -> None:
    assert largest(lambda _: True, start=8, most=most) == most


def test_a_search_without_time_ends_with_what_has_passed() -> None:
    def holds(streams: int) -> bool:
        if streams > 8:
            raise OutOfTime
        return True

    assert largest(holds, start=4, most=64) == 8
    assert largest(holds, start=16, most=64) == 0
