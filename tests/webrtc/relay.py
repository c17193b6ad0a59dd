"""A bad network between two peers: media comes late, out of order, in clumps, or not at all."""

from __future__ import annotations

import asyncio
import random
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from itertools import pairwise
from typing import cast

from tests.webrtc.caller import Exchange, Message

LOSS = 0.01
JITTER_SECONDS = 0.04
CLUMP_EVERY_SECONDS, CLUMP_SECONDS = 1.0, 0.15

_CANDIDATE = re.compile(r"^a=candidate:\S+ 1 udp \d+ (\d+\.\d+\.\d+\.\d+) (\d+) typ host.*\r\n", re.MULTILINE)
_ANY_CANDIDATE = re.compile(r"^a=candidate:.*\r\n", re.MULTILINE)
_LAST_CANDIDATE = "a=end-of-candidates\r\n"

Address = tuple[str, int]


class Relay:
    """Stands between a caller and a bot, each of which knows only the relay's address.

    What the two agree on (ICE, DTLS, the data channel) passes as it is; the caller's sound suffers.

    Args:
        seed: Of the weather.

    Attributes:
        passed: The sequence numbers of the caller's packets of sound, in the order in which they went on.
        lost: How many did not.
        longest_wait: Seconds for which the most delayed one was held.
    """

    def __init__(self, seed: int) -> None:
        self.passed: list[int] = []
        self.lost = 0
        self.longest_wait = 0.0
        self._rng = random.Random(seed)
        self._caller_side, self._bot_side = _Side(self._from_caller), _Side(self._from_bot)
        self._loop = asyncio.get_running_loop()

    @property
    def overtaken(self) -> int:
        """How many packets went on right behind one that was sent after them."""
        return sum(later < earlier for earlier, later in pairwise(self.passed))

    def between(self, exchange: Exchange) -> Exchange:
        """The exchange of offer and answer, with this relay put between the two."""

        async def through(offer: Message) -> Message:
            await self._open(_address(offer["sdp"])[0])
            answer = await exchange(self._as_caller(offer))
            return self._as_bot(answer)

        return through

    def close(self) -> None:
        """Nothing passes any more."""
        self._caller_side.close()
        self._bot_side.close()

    async def _open(self, host: str) -> None:
        for side in (self._caller_side, self._bot_side):
            await self._loop.create_datagram_endpoint(lambda side=side: side, (host, 0))  # type: ignore[misc]

    def _as_caller(self, offer: Message) -> Message:
        self._caller_side.peer = _address(offer["sdp"])
        return offer | {"sdp": _with_address(offer["sdp"], self._bot_side.address)}

    def _as_bot(self, answer: Message) -> Message:
        self._bot_side.peer = _address(answer["sdp"])
        return answer | {"sdp": _with_address(answer["sdp"], self._caller_side.address)}

    def _from_bot(self, packet: bytes) -> None:
        self._caller_side.send(packet)

    def _from_caller(self, packet: bytes) -> None:
        if not _is_sound(packet):
            self._bot_side.send(packet)
        elif self._rng.random() < LOSS:
            self.lost += 1
        else:
            delay = self._delay()
            self.longest_wait = max(self.longest_wait, delay)
            self._loop.call_later(delay, self._pass, packet)

    def _delay(self) -> float:
        """Each packet takes its own time; now and then none gets through for a while, and then all at once."""
        into = self._loop.time() % CLUMP_EVERY_SECONDS
        held = max(0.0, CLUMP_SECONDS - into)
        return held or self._rng.uniform(0, JITTER_SECONDS)

    def _pass(self, packet: bytes) -> None:
        self.passed.append(int.from_bytes(packet[2:4], "big"))
        self._bot_side.send(packet)


class _Side(asyncio.DatagramProtocol):
    """A socket that faces one of the peers."""

    def __init__(self, take: Callable[[bytes], None]) -> None:
        self.peer: Address | None = None
        self._take = take
        self._transport: asyncio.DatagramTransport | None = None

    @property
    def address(self) -> Address:
        assert self._transport is not None
        return cast("Address", self._transport.get_extra_info("sockname"))

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, _address: Address) -> None:
        self._take(data)

    def send(self, packet: bytes) -> None:
        if self._transport is not None and self.peer is not None and not self._transport.is_closing():
            self._transport.sendto(packet, self.peer)

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()


@asynccontextmanager
async def bad_network(seed: int) -> AsyncIterator[Relay]:
    """A relay that is closed in the end."""
    relay = Relay(seed)
    try:
        yield relay
    finally:
        relay.close()


def _is_sound(packet: bytes) -> bool:
    """Whether it is RTP, and not RTCP, DTLS or STUN, which come through the same socket (RFC 7983, RFC 5761)."""
    return len(packet) > 12 and 128 <= packet[0] <= 191 and not 64 <= packet[1] & 0x7F <= 95


def _address(sdp: str) -> Address:
    found = _CANDIDATE.search(sdp)
    assert found, sdp
    return found[1], int(found[2])


def _with_address(sdp: str, address: Address) -> str:
    """The same description with one candidate in each of its parts, at this address."""
    host, port = address
    only = f"a=candidate:1 1 udp 2130706431 {host} {port} typ host\r\n"
    return _ANY_CANDIDATE.sub("", sdp).replace(_LAST_CANDIDATE, only + _LAST_CANDIDATE)
