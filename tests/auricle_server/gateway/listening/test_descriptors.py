"""The limit of open files, in processes of their own."""

from __future__ import annotations

import subprocess
import sys

import pytest

SCARCE = """
import os
from auricle_server.gateway.listening.descriptors import are_scarce, is_scarce, limit
assert limit() == 128, limit()
assert (is_scarce(111), is_scarce(112)) == (False, True)
held = [os.open(os.devnull, os.O_RDONLY) for _ in range(90)]
assert not are_scarce()
while True:
    try:
        held.append(os.open(os.devnull, os.O_RDONLY))
    except OSError:
        break
assert are_scarce()
for each in held[:20]:
    os.close(each)
assert not are_scarce()
"""
RAISED = "from auricle_server.gateway.listening.descriptors import limit, raise_limit; print(raise_limit(), limit())"


def run(script: str, limits: str) -> str:
    command = ["sh", "-c", f'{limits} && exec "$0" -c "$1"', sys.executable, script]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def test_the_last_descriptors_are_known() -> None:
    run(SCARCE, "ulimit -n 128")


@pytest.mark.parametrize(
    ("limits", "raised"),
    [
        ("ulimit -Sn 256 && ulimit -Hn 512", "512 512"),
        ("ulimit -n 300", "300 300"),
    ],
)
def test_the_soft_limit_rises_to_the_hard_one(limits: str, raised: str) -> None:
    assert run(RAISED, limits) == raised
