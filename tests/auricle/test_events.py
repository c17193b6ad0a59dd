from __future__ import annotations

import dataclasses
from typing import get_args

import pytest

from auricle import Connected, ConnectionFailed, Ready, Reconnected, Reconnecting
from auricle.events import StreamEvent, VisibleEvent
from auricle.protocol import ServerEvent, Settled


def test_a_caller_sees_all_events_of_a_server_but_those_for_the_client() -> None:
    assert set(get_args(VisibleEvent)) == set(get_args(ServerEvent)) - {Ready, Settled}
    assert set(get_args(StreamEvent)) == {*get_args(VisibleEvent), Connected, Reconnecting, Reconnected}


def test_events_are_values() -> None:
    lost = ConnectionFailed("lost", "it broke")
    assert Reconnecting(1, 0.5, lost) == Reconnecting(1, 0.5, lost)
    assert Reconnected(1.0) == Reconnected(1.0, lost_seconds=0.0, resumed=False)
    with pytest.raises(dataclasses.FrozenInstanceError):
        Connected(1.0).lost_seconds = 2.0  # type: ignore[misc]
