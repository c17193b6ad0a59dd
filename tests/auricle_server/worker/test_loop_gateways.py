"""Which gateways a worker takes for gone."""

from __future__ import annotations

from auricle_server.ipc.messages import StreamFailure, WorkerReady
from auricle_server.worker.loop import GATEWAY_SILENCE_SECONDS
from tests.auricle_server.worker.test_loop import A, B, Bench, opened


def test_a_worker_that_stood_still_itself_drops_no_gateway() -> None:
    bench = Bench()
    bench.tick(A)
    bench.tick(A, opened(1))
    bench.now += 10 * GATEWAY_SILENCE_SECONDS
    assert not [item for item in bench.tick(B) if isinstance(item, StreamFailure)]
    assert bench.engine.slots_used == 1
    assert not [item for item in bench.tick(A) if isinstance(item, WorkerReady)]
