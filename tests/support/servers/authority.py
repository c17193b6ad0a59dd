"""A private authority, as a company has one: servers that it vouches for, and clients that trust it."""

from __future__ import annotations

import asyncio
import ssl
from datetime import datetime
from pathlib import Path

import trustme


class Authority:
    """Signs certificates.

    Args:
        folder: For the files of the certificates.
    """

    def __init__(self, folder: Path) -> None:
        self._authority = trustme.CA()
        self._folder = folder

    @property
    def trusting(self) -> ssl.SSLContext:
        """A client's context that trusts what this authority has signed, and nothing else."""
        context = ssl.create_default_context()
        self._authority.configure_trust(context)
        return context

    def certificate(self, name: str = "server", *, expires: datetime | None = None) -> tuple[Path, Path]:
        """The files of a new certificate for 127.0.0.1, and of its private key."""
        issued = self._authority.issue_cert("127.0.0.1", "localhost", not_after=expires)
        cert, key = self._folder / f"{name}.crt", self._folder / f"{name}.key"
        cert.write_bytes(b"".join(blob.bytes() for blob in issued.cert_chain_pems))
        issued.private_key_pem.write_to_path(str(key))
        return cert, key


async def serial_number(url: str, trusting: ssl.SSLContext) -> str:
    """Of the certificate that a new connection gets."""
    port = int(url.rpartition(":")[2])
    _, writer = await asyncio.open_connection("127.0.0.1", port, ssl=trusting)
    try:
        return str(writer.get_extra_info("peercert")["serialNumber"])
    finally:
        writer.close()
