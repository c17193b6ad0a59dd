"""The server's certificate, which can be replaced while streams are open."""

from __future__ import annotations

import ssl
from pathlib import Path

from auricle_server.config import ConfigError, ServerConfig


class Certificate:
    """A certificate with its private key, read from files.

    Args:
        cert: PEM file with the server's certificate, followed by those of the authorities between it and the root.
        key: PEM file with the private key, without a password; None where `cert` holds it as well.

    Attributes:
        context: For the listening socket. New connections use what was read last; those that are open keep theirs.
        pem: What was read last, the key and the certificate, for listeners that bring their own TLS.

    Raises:
        ConfigError: A file cannot be read, or the two do not belong together.
    """

    def __init__(self, cert: Path, key: Path | None = None) -> None:
        self._cert, self._key = cert, key
        self.pem = b"", b""
        self.context = self._read()

    def reload(self) -> None:
        """Reads the files again.

        Raises:
            ConfigError: As for the constructor; the old certificate stays in use.
        """
        # Into a context of its own first: one that is in use loses its key when the new one does not fit.
        self._read()
        self._load_into(self.context)

    def _read(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        # RFC 8996 forbids what is older.
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        # WebSockets need HTTP/1.1; a client that prefers HTTP/2 learns here that there is none.
        context.set_alpn_protocols(["http/1.1"])
        self._load_into(context)
        return context

    def _load_into(self, context: ssl.SSLContext) -> None:
        pem: list[bytes] = []
        for path in (self._key or self._cert, self._cert):
            try:
                pem.append(path.read_bytes())
            except OSError as error:
                # OpenSSL's own error does not name the file.
                raise ConfigError(f"cannot read the TLS file {path}: {error.strerror}") from error
        try:
            context.load_cert_chain(self._cert, self._key, password=_no_password)
        except (ssl.SSLError, OSError) as error:
            files = f"{self._cert} and {self._key}" if self._key else str(self._cert)
            raise ConfigError(
                f"cannot use the TLS certificate in {files}: {_reason(error)}; expected PEM, a private key without a "
                "password, and a certificate for that key"
            ) from error
        self.pem = pem[0], pem[1]


def certificate_of(config: ServerConfig) -> Certificate | None:
    """The certificate that a server is configured with; None when it speaks plain HTTP.

    Raises:
        ConfigError: It cannot be used.
    """
    return None if config.tls_cert is None else Certificate(Path(config.tls_cert), _path(config.tls_key))


def _path(text: str | None) -> Path | None:
    return None if text is None else Path(text)


def _no_password() -> str:
    # Without this OpenSSL would ask for one at the terminal, and a server without a terminal would hang.
    return ""


def _reason(error: Exception) -> str:
    reason = getattr(error, "reason", None)
    return str(reason).replace("_", " ").lower() if reason else str(error)
