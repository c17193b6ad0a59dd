"""Who tries keys is throttled, and nobody else."""

from __future__ import annotations

import pytest

from auricle_server.gateway.keys.shared_counts import SharedCounts
from auricle_server.gateway.keys.wrong_keys import MOST_WRONG, WrongKeys, network_of


def test_an_address_is_throttled_over_all_gateways_for_a_minute(caplog: pytest.LogCaptureFixture) -> None:
    counts = SharedCounts(2)
    gateways = [WrongKeys(counts, row) for row in (0, 1)]
    for number in range(MOST_WRONG):
        assert gateways[0].throttled_seconds("10.0.0.1", 100.0) == 0
        gateways[number % 2].add("10.0.0.1", 100.0)
    assert [gateway.throttled_seconds("10.0.0.1", 101.0) for gateway in gateways] == [64.0, 64.0]
    assert gateways[0].throttled_seconds("10.0.0.2", 101.0) == 0
    assert gateways[0].throttled_seconds("10.0.0.1", 165.1) == 0
    assert [record.getMessage() for record in caplog.records] == [
        "many wrong keys address=10.0.0.1: it is throttled for a minute"
    ]


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("10.0.0.1", "10.0.0.1"),
        ("::ffff:10.0.0.1", "10.0.0.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::9", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("", "local"),
        (None, "local"),
        ("nonsense", "local"),
    ],
)
def test_a_customer_cannot_change_the_address_by_which_it_is_known(address: str | None, network: str) -> None:
    assert network_of(address) == network
