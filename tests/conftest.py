"""What tests of several rooms share."""

from __future__ import annotations

import atexit
import os
import shutil
import socket
import tempfile
from collections.abc import Iterator

import pytest

pytest_plugins = ["tests.support.pytest_plugins.extras", "tests.support.pytest_plugins.scheduling"]

# The models of the tests are small: a second thread gains nothing, and two that spin while other work wants the cores
# lose a factor of twenty. Set before torch is imported.
os.environ.setdefault("OMP_NUM_THREADS", "1")

# A developer's own server and key: clients without arguments would use them.
os.environ.pop("AURICLE_URL", None)
os.environ.pop("AURICLE_API_KEY", None)

if "HF_ASSETS_CACHE" not in os.environ:
    # Gzipped archives are unpacked there. Set before huggingface_hub is imported; started processes inherit it.
    os.environ["HF_ASSETS_CACHE"] = tempfile.mkdtemp(prefix="auricle-tests-")
    atexit.register(shutil.rmtree, os.environ["HF_ASSETS_CACHE"], ignore_errors=True)


@pytest.fixture(scope="session")
def tones_server() -> Iterator[str]:
    """URL of a server with the small two-tone model, in a thread of its own: for tests that are not coroutines."""
    from auricle_server.config import ServerConfig
    from tests.support import tones
    from tests.support.servers.server_thread import serving_in_a_thread

    with serving_in_a_thread(ServerConfig(max_load=0), model=str(tones.CHECKPOINT)) as url:
        yield url


@pytest.fixture(scope="session")
def tones_riva() -> Iterator[str]:
    """Address of another such server for clients of NVIDIA Riva."""
    from auricle_server.config import ServerConfig
    from tests.support import tones
    from tests.support.servers.server_thread import serving_in_a_thread

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with serving_in_a_thread(ServerConfig(max_load=0, riva_port=port), model=str(tones.CHECKPOINT)):
        yield f"127.0.0.1:{port}"
