"""Whether a server may start with the keys that it has, and what its operator should know about them."""

from __future__ import annotations

import ipaddress
import logging
import os
import socket
import stat
from pathlib import Path

from auricle_server.config import ConfigError, ServerConfig
from auricle_server.gateway.keys.authenticator import UNGUESSABLE
from auricle_server.gateway.keys.keys_file import KeysFileError, read_keys

log = logging.getLogger(__name__)

_GUESSABLE = 16
"""Characters below which a key is so short that somebody may guess it."""


def log_access(config: ServerConfig) -> None:
    """Logs the warnings of `check_access`.

    Raises:
        ConfigError: As there.
    """
    for warning in check_access(config):
        log.warning("%s", warning)


def check_access(config: ServerConfig) -> list[str]:
    """What to warn of at the start, in the order of importance.

    Raises:
        ConfigError: A server with this configuration must not start.
    """
    has_keys = bool(config.api_keys) or config.keys_file is not None
    if config.no_auth and has_keys:
        raise ConfigError("no_auth: expected no API keys beside it; take the keys away, or --no-auth")
    if config.require_auth and not (config.no_auth or has_keys):
        raise ConfigError(
            "api_keys: this server needs a key: set AURICLE_API_KEYS, or AURICLE_KEYS_FILE (auricle keys add); "
            "if everyone who reaches the port may use the server, say so with --no-auth"
        )
    _check_usage_file(config.usage_file)
    warnings = _keys_file_warnings(config)
    if not has_keys and not config.no_auth and not _is_loopback(config.host):
        warnings.append(
            "EVERYONE WHO REACHES ITS PORT MAY USE THIS SERVER: it listens beyond this machine, at "
            f"{config.host}, and has no API key. "
            "Set AURICLE_API_KEYS or AURICLE_KEYS_FILE; --no-auth says that this is meant"
        )
    if any(len(key) < _GUESSABLE for key in config.api_keys):
        warnings.append(
            f"an API key is shorter than {_GUESSABLE} characters, which somebody may guess; take one of at least "
            f"{UNGUESSABLE}, as `auricle keys add` makes them"
        )
    return warnings


def _keys_file_warnings(config: ServerConfig) -> list[str]:
    if config.keys_file is None:
        return []
    try:
        keys = read_keys(config.keys_file)
    except KeysFileError as error:
        raise ConfigError(str(error)) from error
    warnings = []
    if not keys and not config.api_keys:
        warnings.append(
            f"keys file {config.keys_file} has no key: every client is refused; add one with `auricle keys add`"
        )
    if Path(config.keys_file).stat().st_mode & stat.S_IWOTH:
        warnings.append(f"keys file {config.keys_file} can be written by every user of this machine; use chmod o-w")
    return warnings


def _check_usage_file(path: str | None) -> None:
    if path is None:
        return
    try:
        # A pipe without a reader would hold the start up here.
        if not (Path(path).exists() and Path(path).is_fifo()):
            os.close(os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o640))
    except OSError as error:
        raise ConfigError(f"usage_file: {path} cannot be written: {error.strerror}") from error


def _is_loopback(host: str) -> bool:
    """Whether only this machine reaches a server that listens at `host`."""
    try:
        found = socket.getaddrinfo(host or None, None, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except OSError:
        return False
    addresses = [ipaddress.ip_address(str(address[4][0]).partition("%")[0]) for address in found]
    return all(_embedded(address).is_loopback for address in addresses)


def _embedded(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return address if mapped is None else mapped
