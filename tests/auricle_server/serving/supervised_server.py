"""A server as real processes, for `test_supervisor`: run as a script, it serves until SIGTERM and prints its URL."""

from __future__ import annotations

import json
import sys

from auricle_server.config import ServerConfig
from auricle_server.serving.children import watchdog
from auricle_server.serving.supervisor import serve
from auricle_server.telemetry.settings import TelemetryConfig


def main() -> int:
    """Options of `ServerConfig` come as one JSON argument, with `hung_seconds` for the watchdog."""
    options = json.loads(sys.argv[1])
    watchdog.HUNG_SECONDS = options.pop("hung_seconds", watchdog.HUNG_SECONDS)
    if "telemetry" in options:
        options["telemetry"] = TelemetryConfig(**options["telemetry"])
    return serve(ServerConfig(**options), lambda url, _: print(url, flush=True))


if __name__ == "__main__":
    sys.exit(main())
