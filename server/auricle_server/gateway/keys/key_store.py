"""The keys that are in force, from the configuration and from the keys file."""

from __future__ import annotations

import logging
import threading
from pathlib import Path

from auricle_server.config import ServerConfig
from auricle_server.gateway.errors import KeysUnreadable
from auricle_server.gateway.keys.api_key import ApiKey, digest_of
from auricle_server.gateway.keys.keys_file import KeysFileError, read_keys

log = logging.getLogger(__name__)


class KeyStore:
    """Finds keys by their secret.

    A file that cannot be read at the start leaves the store without its keys: the server is closed until the file is
    mended. Later the keys that were in force stay.

    Args:
        config: Of the server.

    Attributes:
        may_change: Whether there is a file to read again.
    """

    def __init__(self, config: ServerConfig) -> None:
        self._path = config.keys_file
        self._lock = threading.Lock()
        self.may_change = self._path is not None
        # Names for metrics and logs; the keys of the configuration have none of their own.
        self._configured = tuple(
            ApiKey(name=f"api-key-{number}", digest=digest_of(secret))
            for number, secret in enumerate(config.api_keys, 1)
        )
        self._by_digest = {key.digest: key for key in self._configured}
        self._by_name = {key.name: key for key in self._configured}
        self._read = self._path is None
        self._version: object = None
        try:
            self.reload()
        except KeysFileError as error:
            log.error("%s; clients are refused until it can be read", error)

    @property
    def required(self) -> bool:
        """Whether a client needs a key."""
        # A file without keys opens nothing: it must not count as "no keys are needed".
        return bool(self._configured) or self._path is not None

    def find(self, secret: str) -> ApiKey | None:
        """The key; None when there is none.

        Raises:
            KeysUnreadable: The keys file could not be read yet, so nobody knows.
        """
        # By hash: what a comparison with the keys themselves tells by its time is of no use, as no client can choose
        # the hash of what it sends.
        key = self._by_digest.get(digest_of(secret))
        if key is None:
            self._check_read()
        return key

    def find_by_name(self, name: str) -> ApiKey | None:
        """The key of that name; None when there is none.

        Raises:
            KeysUnreadable: As `find`.
        """
        key = self._by_name.get(name)
        if key is None:
            self._check_read()
        return key

    def _check_read(self) -> None:
        if not self._read:
            raise KeysUnreadable("the server cannot read its keys at the moment; try again later")

    def reload(self) -> None:
        """Reads the keys file again; when that fails, the keys that were in force stay.

        Raises:
            KeysFileError: The file cannot be used.
        """
        if self._path is None:
            return
        self._version = _version(self._path)
        keys = read_keys(self._path)
        if taken := {key.name for key in keys} & {key.name for key in self._configured}:
            raise KeysFileError(f"keys file {self._path}: {min(taken)!r} names a key of --api-key; take another name")
        # Of a key that is in both, the limits in the file hold.
        self._by_digest = {key.digest: key for key in (*self._configured, *keys)}
        self._by_name = {key.name: key for key in self._by_digest.values()}
        self._read = True
        log.info("keys read file=%s keys=%d", self._path, len(keys))
        if not keys and not self._configured:
            log.warning("keys file %s has no key: every client is refused", self._path)

    def reload_if_changed(self, *, force: bool = False) -> None:
        """Reads the keys file again if it is not the one that was read last. May be called on any thread.

        Args:
            force: Reads it in any case.
        """
        if self._path is None:
            return
        with self._lock:
            if not force and _version(self._path) == self._version:
                return
            try:
                self.reload()
            except KeysFileError as error:
                log.error("cannot reload keys; what was in force stays: %s", error)


def _version(path: str) -> object:
    """Differs when the file was replaced or written; None without one."""
    try:
        status = Path(path).stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns
