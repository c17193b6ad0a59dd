from __future__ import annotations

import numpy as np
import pytest

from auricle_server.ipc.columns import ResultBatch, ResultColumns
from auricle_server.ipc.messages import FromWorker, SecondPassChanged, StreamFailure, ToWorker, WorkerItem
from auricle_server.worker.gateway_messages import GatewayMessages

A, B = b"a", b"b"
FAILURE = StreamFailure(1, "internal", "sorry")


class Channel:
    """Keeps what is sent."""

    def __init__(self) -> None:
        self.sent: list[tuple[bytes, FromWorker]] = []

    def receive(self, timeout: float) -> list[tuple[bytes, ToWorker]]:
        return []

    def send(self, gateway: bytes, message: FromWorker) -> None:
        self.sent.append((gateway, message))

    def close(self) -> None:
        self.sent.clear()


@pytest.fixture
def channel() -> Channel:
    return Channel()


@pytest.fixture
def messages(channel: Channel) -> GatewayMessages:
    return GatewayMessages(channel)


def results() -> ResultColumns:
    empty, one = np.empty(0), np.array([1])
    return ResultColumns.of(ResultBatch(one, one, one * 0, one, empty, empty, empty, empty))


def test_a_gateway_gets_one_message_with_its_items_in_order(messages: GatewayMessages, channel: Channel) -> None:
    items: list[WorkerItem] = [FAILURE, StreamFailure(2, "internal", "again")]
    for item in items:
        messages.add(A, item)
    columns = results()
    messages.add_results([(A, columns), (B, columns)])
    messages.publish()
    assert dict(channel.sent) == {A: FromWorker(tuple(items), columns), B: FromWorker((), columns)}


def test_nothing_is_sent_twice_and_nothing_is_sent_for_nothing(messages: GatewayMessages, channel: Channel) -> None:
    messages.add(A, FAILURE)
    messages.publish()
    messages.publish()
    assert len(channel.sent) == 1


def test_a_gateway_that_is_gone_gets_nothing(messages: GatewayMessages, channel: Channel) -> None:
    messages.add(A, FAILURE)
    messages.add_results([(A, results())])
    messages.drop(A)
    messages.drop(B)
    messages.publish()
    assert channel.sent == []


def test_only_a_change_of_second_passes_is_sent_ahead(messages: GatewayMessages, channel: Channel) -> None:
    messages.add(A, FAILURE)
    messages.publish_second_passes()
    assert channel.sent == []
    messages.add(B, SecondPassChanged(1, active=True, base=0))
    messages.publish_second_passes()
    assert {gateway for gateway, _ in channel.sent} == {A, B}
    messages.add(A, FAILURE)
    messages.publish_second_passes()
    assert len(channel.sent) == 2
