"""Which key a request has, if any."""

from __future__ import annotations

import datetime as dt
import time
from collections import OrderedDict
from contextlib import suppress

from auricle_server.gateway.errors import TooManyWrongKeys, Unauthorized
from auricle_server.gateway.keys.api_key import ANONYMOUS, ApiKey
from auricle_server.gateway.keys.key_store import KeyStore
from auricle_server.gateway.keys.tokens.token_mint import TokenMint
from auricle_server.gateway.keys.tokens.token_signer import InvalidToken
from auricle_server.gateway.keys.wrong_keys import WrongKeys

# RFC 6750, section 2.1. The name of a scheme is case-insensitive (RFC 9110, section 11.1).
_SCHEME = "bearer "
UNGUESSABLE = 32
"""Characters from which on nobody guesses a key. Such a key is looked at whatever its address has tried, so that
somebody who tries keys from behind the same proxy cannot lock others out."""
_MOST_KNOWN = 4096


class Authenticator:
    """Checks the keys of requests.

    Args:
        store: The keys.
        wrong_keys: Counts those who try some.
        mint: Reads tokens, which may come in place of keys.
    """

    def __init__(self, store: KeyStore, wrong_keys: WrongKeys, mint: TokenMint) -> None:
        self._store = store
        self._mint = mint
        self._wrong_keys = wrong_keys
        self._known: OrderedDict[tuple[str | None, str], None] = OrderedDict()
        """Addresses and the keys that have opened the door from there."""

    def check(self, authorization: str | None, address: str | None, *, resuming: bool = False) -> ApiKey:
        """The key in an ``Authorization`` header, or the one whose token it has; `ANONYMOUS` where none is needed.

        Args:
            authorization: The header; None without it.
            address: Of the client; None for another gateway of this server.
            resuming: Whether the client only comes back to a stream, which it may do with a token that has expired.

        Raises:
            Unauthorized: The header holds neither a key nor a token of the server, or one that has expired.
            TooManyWrongKeys: The address has tried too many.
            KeysUnreadable: The server cannot tell.
        """
        header = authorization or ""
        bearer = header.lower().startswith(_SCHEME)
        secret = header[len(_SCHEME) :].strip() if bearer else ""
        if not self._store.required:
            return self._without_keys(secret, resuming=resuming)
        if not bearer:
            raise Unauthorized("send an API key in the header: Authorization: Bearer KEY")
        now = time.monotonic()
        throttled = self._wrong_keys.throttled_seconds(address, now)
        key = self._find(secret)
        # A short key is taken from a throttled address only where it has been right before: otherwise the answer would
        # tell whoever guesses there that this guess was right.
        if throttled > 0 and (key is None or not (len(secret) >= UNGUESSABLE or (address, key.name) in self._known)):
            raise TooManyWrongKeys(throttled)
        if key is None:
            self._wrong_keys.add(address, now)
            what = "token; ask for another one" if self._mint.is_token(secret) else "API key"
            raise Unauthorized(f"this server does not know the {what}")
        if key.expired(dt.datetime.now(dt.UTC)):
            raise Unauthorized(f"the API key {key.name} has expired; ask for a new one")
        if not resuming:
            check_token(key)
        self._note_known(address, key)
        return key

    def _find(self, secret: str) -> ApiKey | None:
        key = self._store.find(secret)
        if key is None and self._mint.is_token(secret):
            with suppress(InvalidToken):
                return self._mint.key_of(secret)
        return key

    def _without_keys(self, secret: str, *, resuming: bool) -> ApiKey:
        """A token still has its limits and its end, so that a page finds here what it finds where keys are needed."""
        key = ANONYMOUS
        if self._mint.is_token(secret):
            with suppress(InvalidToken, Unauthorized):
                key = self._mint.key_of(secret)
        if not resuming:
            check_token(key)
        return key

    def _note_known(self, address: str | None, key: ApiKey) -> None:
        self._known[address, key.name] = None
        self._known.move_to_end((address, key.name))
        if len(self._known) > _MOST_KNOWN:
            self._known.popitem(last=False)


def check_token(key: ApiKey) -> None:
    """Checks that a token which has come in place of a key may open a stream now.

    Raises:
        Unauthorized: It has expired.
    """
    if key.token is not None and key.token.expired(dt.datetime.now(dt.UTC)):
        raise Unauthorized("the token has expired; ask for another one")
