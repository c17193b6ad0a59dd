from __future__ import annotations

import subprocess
import sys

HEAVY = ("torch", "nemo", "numpy", "soxr", "zmq", "msgspec", "pipecat", "livekit", "auricle_server")


def test_the_client_is_light() -> None:
    code = f"import sys, auricle; print([name for name in {HEAVY!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_package_says_what_it_offers() -> None:
    import auricle

    assert sorted(auricle.__all__) == sorted(set(auricle.__all__))
    assert all(hasattr(auricle, name) for name in auricle.__all__)
