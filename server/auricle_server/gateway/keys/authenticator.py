"""Which key a request has, if any."""

from __future__ import annotations

import datetime as dt
import time
from collections import OrderedDict

from auricle_server.gateway.errors import TooManyWrongKeys, Unauthorized
from auricle_server.gateway.keys.api_key import ANONYMOUS, ApiKey
from auricle_server.gateway.keys.key_store import KeyStore
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
    """

    def __init__(self, store: KeyStore, wrong_keys: WrongKeys) -> None:
        self._store = store
        self._wrong_keys = wrong_keys
        self._known: OrderedDict[tuple[str | None, str], None] = OrderedDict()
        """Addresses and the keys that have opened the door from there."""

    def check(self, authorization: str | None, address: str | None) -> ApiKey:
        """The key in an ``Authorization`` header; `ANONYMOUS` on a server that needs none.

        Args:
            authorization: The header; None without it.
            address: Of the client; None for another gateway of this server.

        Raises:
            Unauthorized: The header holds no key of the server, or one that has expired.
            TooManyWrongKeys: The address has tried too many.
            KeysUnreadable: The server cannot tell.
        """
        if not self._store.required:
            return ANONYMOUS
        header = authorization or ""
        if not header.lower().startswith(_SCHEME):
            raise Unauthorized("send an API key in the header: Authorization: Bearer KEY")
        secret = header[len(_SCHEME) :].strip()
        now = time.monotonic()
        throttled = self._wrong_keys.throttled_seconds(address, now)
        key = self._store.find(secret)
        # A short key is taken from a throttled address only where it has been right before: otherwise the answer would
        # tell whoever guesses there that this guess was right.
        if throttled > 0 and (key is None or not (len(secret) >= UNGUESSABLE or (address, key.name) in self._known)):
            raise TooManyWrongKeys(throttled)
        if key is None:
            self._wrong_keys.add(address, now)
            raise Unauthorized("this server does not know the API key")
        if key.expired(dt.datetime.now(dt.UTC)):
            raise Unauthorized(f"the API key {key.name} has expired; ask for a new one")
        self._note_known(address, key)
        return key

    def _note_known(self, address: str | None, key: ApiKey) -> None:
        self._known[address, key.name] = None
        self._known.move_to_end((address, key.name))
        if len(self._known) > _MOST_KNOWN:
            self._known.popitem(last=False)
