"""The protocols whose servers can be evaluated, by name."""

from __future__ import annotations

from auricle_server.bench.quality.recognisers.deepgram_server import connect_deepgram
from auricle_server.bench.quality.recognisers.interface import ConnectRecogniser
from auricle_server.bench.quality.recognisers.native_server import connect_native
from auricle_server.bench.quality.recognisers.openai_server import connect_openai

NATIVE = "native"
DIALECTS: dict[str, ConnectRecogniser] = {
    NATIVE: connect_native,
    "deepgram": connect_deepgram,
    "openai": connect_openai,
}


class UnknownDialect(ValueError):
    """A server's protocol is not known; the message names those that are."""


def split_address(address: str) -> tuple[str, str]:
    """The dialect and the address of ``[DIALECT=]URL``.

    Raises:
        UnknownDialect: There is no such dialect.
    """
    name, equals, url = address.partition("=")
    # A URL without a dialect may have an equals sign too, in its query.
    if not equals or "://" in name:
        return NATIVE, address
    if name not in DIALECTS:
        raise UnknownDialect(
            f"{name!r} is no dialect that `auricle evaluate` knows; use {' or '.join(DIALECTS)}, as in native=ws://host:8765"
        )
    return name, url
