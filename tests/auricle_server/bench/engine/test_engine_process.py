"""An engine in a process of its own: of this checkout, and of one that the path names."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from auricle_server.bench.engine.engine_process import EngineProcess, EngineProcessFailed, check_checkout
from tests.support import tones

pytestmark = pytest.mark.slow
ROOT = Path(__file__).parents[4]


@pytest.fixture(scope="module", params=[None, ROOT], ids=["this", "named"])
def process(request: pytest.FixtureRequest) -> Iterator[EngineProcess]:
    with EngineProcess(str(tones.CHECKPOINT), dtype="float32", threads=1, slots=2, checkout=request.param) as started:
        yield started


def test_the_start_is_described(process: EngineProcess) -> None:
    start = process.start
    assert (start.dtype, start.threads) == ("float32", 1)
    assert set(start.phase_seconds) == {"import", "load", "build", "warm_up"}
    assert 0 < sum(start.phase_seconds.values()) < start.start_seconds
    # PyTorch alone takes more than 100 MB.
    assert 100_000_000 < start.resident_bytes <= start.peak_bytes
    assert start.latencies_ms[0] == 80
    assert start.isa in ("default", "avx2", "avx512")


def test_rounds_are_timed_and_repeat_exactly(process: EngineProcess) -> None:
    times, again = (process.measure(560, streams=2, chunks=3) for _ in range(2))
    assert len(times.seconds) == 3
    assert min(times.seconds) > 0
    assert times.processor_seconds > 0
    assert times.tokens == again.tokens


def test_an_engine_that_cannot_be_built_is_an_error(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(EngineProcessFailed, match="the engine of this checkout ended with code 1; see its error above"):
        EngineProcess("/nowhere", dtype="float32", threads=1, slots=1)
    assert "/nowhere: no such file or folder" in capfd.readouterr().err


def test_a_folder_that_is_no_checkout_is_refused(tmp_path: Path) -> None:
    check_checkout(ROOT)
    with pytest.raises(ValueError, match="is no checkout of Auricle"):
        check_checkout(tmp_path)
