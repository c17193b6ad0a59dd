"""Attempts that begin anew after a worker is lost, and those that do not."""

from __future__ import annotations

import pytest

from auricle_server.gateway.errors import AtCapacity, NotReady, Refusal, WorkerLost
from auricle_server.gateway.http.files import worker_losses
from auricle_server.gateway.http.files.worker_losses import outlive_workers


class Attempts:
    """Fails in this order, then says how many attempts it took."""

    def __init__(self, *refusals: Refusal) -> None:
        self.count = 0
        self._refusals = list(refusals)

    async def __call__(self) -> int:
        self.count += 1
        if self._refusals:
            raise self._refusals.pop(0)
        return self.count


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker_losses, "_PAUSES", (0.0, 0.0, 0.0))


async def test_a_lost_worker_and_the_wait_for_the_next_are_outlived() -> None:
    attempts = Attempts(WorkerLost("lost"), NotReady("loading"), NotReady("loading"))
    assert await outlive_workers(attempts) == 4


async def test_no_attempt_waits_for_the_first_worker() -> None:
    attempts = Attempts(NotReady("loading"))
    with pytest.raises(NotReady):
        await outlive_workers(attempts)
    assert attempts.count == 1


async def test_an_answer_that_has_begun_does_not_begin_anew() -> None:
    attempts = Attempts(WorkerLost("lost"))
    with pytest.raises(WorkerLost):
        await outlive_workers(attempts, again=False)
    assert attempts.count == 1


async def test_other_refusals_count_and_patience_ends() -> None:
    with pytest.raises(AtCapacity):
        await outlive_workers(Attempts(AtCapacity("full")))
    with pytest.raises(WorkerLost):
        await outlive_workers(Attempts(*(WorkerLost("lost") for _ in range(4))))
