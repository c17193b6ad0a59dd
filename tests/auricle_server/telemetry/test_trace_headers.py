"""Which headers of a request name a trace."""

from __future__ import annotations

import pytest

from auricle_server.telemetry.trace_headers import trace_headers

PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def test_lists_of_states_are_joined() -> None:
    assert trace_headers([PARENT], ["a=1", "b=2"]) == {"traceparent": PARENT, "tracestate": "a=1,b=2"}
    assert trace_headers([PARENT], []) == {"traceparent": PARENT}


@pytest.mark.parametrize("parents", [[], [PARENT, PARENT], [PARENT + "x" * 8000], ["ü" * 55]])
def test_what_is_no_single_short_header_is_ignored(parents: list[str]) -> None:
    assert trace_headers(parents, ["a=1"]) == {}


def test_a_huge_state_leaves_the_parent() -> None:
    assert trace_headers([PARENT], ["a=" + "x" * 8000]) == {"traceparent": PARENT}
