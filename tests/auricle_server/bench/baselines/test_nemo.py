from __future__ import annotations

import sys

import pytest

from auricle_server.bench import MissingPackage
from auricle_server.bench.baselines import nemo
from auricle_server.bench.baselines.nemo import NemoSide


class Pipeline:
    """Records the calls that NeMo's pipeline would get."""

    def __init__(self) -> None:
        self.calls: list[str] = []

    def open_session(self) -> None:
        self.calls.append("open")

    def close_session(self) -> None:
        self.calls.append("close")


def test_without_nemo_the_baseline_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.split(".")[0] == "nemo"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "nemo", None)
    with pytest.raises(MissingPackage, match=r"pip install '\.\[nemo\]'"):
        nemo.available()


def test_a_side_opens_a_session_and_closes_it() -> None:
    pipeline = Pipeline()
    side = NemoSide(pipeline, streams=5, batch=2)
    side.close()
    assert pipeline.calls == ["open", "close"]
