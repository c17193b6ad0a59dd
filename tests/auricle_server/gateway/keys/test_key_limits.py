"""The limits of a key, over several gateways."""

from __future__ import annotations

import asyncio

import pytest

from auricle_server.gateway.errors import TooManyStreams
from auricle_server.gateway.keys.api_key import ApiKey
from auricle_server.gateway.keys.key_limits import KeyLimits
from auricle_server.gateway.keys.shared_counts import SharedCounts

KEY = ApiKey(name="one", digest=b"", max_streams=3)


def gateways(number: int) -> list[KeyLimits]:
    counts = SharedCounts(number)
    return [KeyLimits(counts, row) for row in range(number)]


async def test_a_key_has_so_many_streams_over_all_gateways() -> None:
    first, second = gateways(2)
    leases = [await first.take(KEY), await second.take(KEY), await first.take(KEY)]
    for gateway in (first, second):
        with pytest.raises(TooManyStreams, match="the API key one has 3 streams, as many as it may have at once"):
            await gateway.take(KEY)
    other = ApiKey(name="two", digest=b"", max_streams=1)
    await second.take(other)
    leases[1].release()
    leases[1].release()
    await first.take(KEY)
    with pytest.raises(TooManyStreams):
        await first.take(KEY)


async def test_a_storm_gets_exactly_what_there_is() -> None:
    servers = gateways(4)
    taken = await asyncio.gather(*(server.take(KEY) for server in servers for _ in range(10)), return_exceptions=True)
    assert sum(not isinstance(each, BaseException) for each in taken) == 3


async def test_a_key_opens_so_many_streams_a_minute() -> None:
    first, second = gateways(2)
    key = ApiKey(name="one", digest=b"", max_new_streams_per_minute=4)
    for gateway in (first, second, first, second):
        (await gateway.take(key)).release()
    with pytest.raises(TooManyStreams, match="has opened 4 streams in a minute") as refused:
        await first.take(key)
    assert refused.value.retry_after is not None
    assert 55 <= refused.value.retry_after <= 65


async def test_calls_that_the_server_has_lost_come_back_at_once() -> None:
    first, second = gateways(2)
    key = ApiKey(name="one", digest=b"", max_new_streams_per_minute=4)
    leases = [await first.take(key) for _ in range(4)]
    for lease in leases[:3]:
        lease.lose()
        lease.lose()
    leases[3].release()
    for _ in range(3):
        await second.take(key)
    with pytest.raises(TooManyStreams):
        await second.take(key)


async def test_a_stream_that_never_began_is_not_counted() -> None:
    (limits,) = gateways(1)
    key = ApiKey(name="one", digest=b"", max_streams=1, max_new_streams_per_minute=1)
    for _ in range(5):
        (await limits.take(key)).cancel()
    await limits.take(key)


async def test_a_key_without_limits_has_none() -> None:
    (limits,) = gateways(1)
    for _ in range(500):
        await limits.take(ApiKey(name="one", digest=b""))
