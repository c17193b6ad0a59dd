# ruff: noqa: INP001  # a program, and no part of a package
"""The health check of the images: exit code 0 when the server in this container takes streams.

It reads the variables that the server reads; a port that is set by `--port` must be in `AURICLE_PORT` too.
"""

from __future__ import annotations

import os
import ssl
import sys
import urllib.request

TIMEOUT_SECONDS = 3.0


def main() -> int:
    """Asks `/readyz` once."""
    context, scheme = None, "http"
    if os.environ.get("AURICLE_TLS_CERT"):
        # The certificate names the server as clients call it, and this is the same machine.
        context, scheme = ssl.create_default_context(), "https"
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    url = f"{scheme}://127.0.0.1:{os.environ.get('AURICLE_PORT') or 8765}/readyz"
    try:
        with urllib.request.urlopen(url, timeout=TIMEOUT_SECONDS, context=context) as answer:  # noqa: S310  # one of two schemes
            return 0 if answer.status == 200 else 1
    except OSError as error:
        sys.stderr.write(f"{url}: {error}\n")
        return 1


if __name__ == "__main__":
    sys.exit(main())
