"""Who may open streams, how many, and what they use: all that a gateway does about keys."""

from __future__ import annotations

import asyncio
import datetime as dt
import time

from auricle_server.config import ServerConfig
from auricle_server.gateway.errors import TooManyStreams
from auricle_server.gateway.keys.api_key import ApiKey
from auricle_server.gateway.keys.authenticator import Authenticator, check_token
from auricle_server.gateway.keys.key_limits import KeyLimits
from auricle_server.gateway.keys.key_store import KeyStore
from auricle_server.gateway.keys.shared_counts import KeyCounts
from auricle_server.gateway.keys.stream_usage import StreamUsage
from auricle_server.gateway.keys.tokens.token_claims import TokenClaims
from auricle_server.gateway.keys.tokens.token_mint import TokenMint
from auricle_server.gateway.keys.tokens.token_request import TokenRequest
from auricle_server.gateway.keys.usage_log import UsageLog
from auricle_server.gateway.keys.wrong_keys import WrongKeys
from auricle_server.telemetry.metrics import Metrics

_CLOSE_SECONDS = 2.0
"""How long a disk that does not answer may hold up the end."""


class KeyAccess:
    """The keys of one gateway.

    Args:
        config: Of the server.
        metrics: Of the gateway.
        counts: Shared with the other gateways; None for a gateway that is alone.
        row: Number of the gateway.
    """

    def __init__(self, config: ServerConfig, metrics: Metrics, counts: KeyCounts | None = None, row: int = 0) -> None:
        if counts is None:
            counts, row = KeyCounts.of(), 0
        self._store = KeyStore(config)
        self._mint = TokenMint(self._store, config.token_secret)
        self._authenticator = Authenticator(self._store, WrongKeys(counts.wrong_keys, row), self._mint)
        self._limits = KeyLimits(counts.streams, row, counts.tokens)
        self._metrics = metrics
        self._usage_log = None if config.usage_file is None else UsageLog(config.usage_file)
        self._open: set[StreamUsage] = set()
        self._reading: asyncio.Task[None] | None = None

    @property
    def required(self) -> bool:
        """Whether a client needs a key."""
        return self._store.required

    def authenticate(self, authorization: str | None, address: str | None, *, resuming: bool = False) -> ApiKey:
        """The key of a request; see `Authenticator.check`.

        Raises:
            Refusal: There is none that the server accepts.
        """
        return self._authenticator.check(authorization, address, resuming=resuming)

    def mint(self, key: ApiKey, request: TokenRequest) -> tuple[str, TokenClaims]:
        """A new token of the key; see `TokenMint.mint`.

        Raises:
            NoTokenForToken: The key came as a token itself.
        """
        minted = self._mint.mint(key, request, dt.datetime.now(dt.UTC))
        self._metrics.key_tokens.labels(key.name).inc()
        return minted

    async def open_stream(self, key: ApiKey) -> StreamUsage:
        """A stream of the key; the caller begins or cancels it, and ends it.

        Raises:
            TooManyStreams: The key, or its token, may have no more.
            Unauthorized: The client wanted to resume a stream, which there is not, with a token that has expired.
        """
        check_token(key)
        try:
            lease = await self._limits.take(key)
        except TooManyStreams:
            self._metrics.key_refused.labels(key.name).inc()
            raise
        usage = StreamUsage(key, lease, self._metrics, self._usage_log)
        self._open.add(usage)
        return usage

    def on_beat(self) -> None:
        """Once a second: reads a keys file that has changed, and writes what long streams have used."""
        self._read_keys()
        now = time.monotonic()
        self._open = {usage for usage in self._open if not usage.over}
        for usage in self._open:
            usage.report(now)

    def reload(self) -> None:
        """Reads the keys file again, changed or not; when it cannot be used, what was in force stays."""
        self._read_keys(force=True)

    def _read_keys(self, *, force: bool = False) -> None:
        # On a thread: a file of thousands of keys takes a second to parse, and a disk may be slow.
        if self._store.may_change and (force or self._reading is None or self._reading.done()):
            read = asyncio.to_thread(self._store.reload_if_changed, force=force)
            self._reading = asyncio.create_task(read)

    async def close(self) -> None:
        """Writes the last lines of usage; all streams have ended by then."""
        if self._reading is not None:
            await asyncio.wait({self._reading}, timeout=_CLOSE_SECONDS)
        if self._usage_log is not None:
            await asyncio.to_thread(self._usage_log.close)
