from __future__ import annotations

import pytest

from auricle_server.bench.sizing.gateways import gateway_cost, upload_bits
from auricle_server.bench.sizing.models import committed
from auricle_server.bench.sizing.step_times import Basis
from tests.auricle_server.bench.sizing.records import COMMITTED


def test_the_newest_record_whose_streams_held_tells_the_cost() -> None:
    results = committed(COMMITTED)
    cost = gateway_cost(results)
    [served] = [each for each in results if each["kind"] == "serve"]
    assert cost.basis is Basis.MEASURED
    assert cost.cores == pytest.approx(served["figures"]["load"]["cores"]["gateway"] / 96)
    assert 10e3 < cost.stream_bytes < 100e3
    overloaded = {**served, "date": "2027-01-01", "figures": {**served["figures"], "problems": ["too slow"]}}
    assert gateway_cost([*results, overloaded]) == cost


def test_without_a_record_the_budgets_are_assumed() -> None:
    cost = gateway_cost([])
    assert cost.basis is Basis.ASSUMED
    assert cost.cores == pytest.approx(0.003)


def test_a_stream_sends_its_samples_and_the_headers_around_them() -> None:
    assert 256e3 < upload_bits() < 300e3
