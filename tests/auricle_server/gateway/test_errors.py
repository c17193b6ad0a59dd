"""A refusal before the upgrade says whether another attempt makes sense."""

from __future__ import annotations

import pytest

from auricle.protocol import CODES
from auricle.protocol.codes import ORIGIN_NOT_ALLOWED, RESTARTING, SERVER_FULL, SHUTTING_DOWN, UNAUTHORIZED
from auricle_server.gateway.errors import AtCapacity, NotReady, OriginNotAllowed, Refusal, ShuttingDown, Unauthorized


@pytest.mark.parametrize(
    ("kind", "status", "code", "retry"),
    [
        (AtCapacity, 503, SERVER_FULL, True),
        (NotReady, 503, RESTARTING, True),
        (ShuttingDown, 503, SHUTTING_DOWN, True),
        (Unauthorized, 401, UNAUTHORIZED, False),
        (OriginNotAllowed, 403, ORIGIN_NOT_ALLOWED, False),
    ],
)
def test_each_reason_has_its_status_and_code(kind: type[Refusal], status: int, code: str, retry: bool) -> None:
    with pytest.raises(Refusal, match=r"^every slot is in use$") as raised:
        raise kind("every slot is in use")
    refusal = raised.value
    assert (refusal.status, refusal.code, refusal.retry) == (status, code, retry)
    assert refusal.message == "every slot is in use"


def test_every_code_is_one_of_the_protocol() -> None:
    kinds: list[type[Refusal]] = [Refusal, *Refusal.__subclasses__()]
    assert {kind.code for kind in kinds} <= set(CODES)
