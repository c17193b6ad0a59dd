"""Which connections wait for a request, and which give way."""

from __future__ import annotations

import pytest

from auricle_server.gateway.listening.pending_connections import PendingConnections, client_address


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:ffff::1", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("", ""),
    ],
)
def test_a_client_is_an_address_or_a_site(host: str, address: str) -> None:
    assert client_address(host) == address


def test_the_oldest_of_an_address_gives_way_to_its_next() -> None:
    pending = PendingConnections[str](10, 2)
    assert [pending.add(name, "a") for name in ("a1", "a2")] == [None, None]
    assert pending.add("b1", "b") is None
    assert pending.add("a3", "a") == ("a1", "crowded_address")
    assert list(pending) == ["a2", "b1", "a3"]


def test_the_address_with_the_most_gives_way_when_all_are_too_many() -> None:
    pending = PendingConnections[str](4, 3)
    pending.add("b1", "b")
    for name in ("a1", "a2", "a3"):
        pending.add(name, "a")
    assert pending.add("c1", "c") == ("a1", "crowded")
    assert pending.add("b2", "b") == ("a2", "crowded")
    assert pending.add("a4", "a") == ("b1", "crowded")  # b has the most now
    assert len(pending) == 4


def test_one_that_has_sent_its_request_waits_no_more() -> None:
    pending = PendingConnections[str](2, 1)
    pending.add("a1", "a")
    pending.discard("a1")
    pending.discard("a1")
    assert (len(pending), pending.oldest()) == (0, None)
    assert pending.add("a2", "a") is None
    assert pending.oldest() == "a2"


def test_the_bounds_hold_whatever_comes_and_goes() -> None:
    pending = PendingConnections[int](20, 7)
    here: set[int] = set()
    for number in range(2000):
        displaced = pending.add(number, str(number % 13))
        here.add(number)
        if displaced is not None:
            here.remove(displaced[0])
        if number % 3 == 0:
            gone = min(here)
            pending.discard(gone)
            here.remove(gone)
        assert set(pending) == here
        assert len(here) <= 20
        assert max(sum(each % 13 == key for each in here) for key in range(13)) <= 7
