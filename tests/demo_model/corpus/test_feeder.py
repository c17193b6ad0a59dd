from __future__ import annotations

from pathlib import Path

import pytest

from demo_model.corpus.feeder import Feeder, FeederOptions, held_out
from tests.demo_model.corpus.test_examples import shard


def test_batches_come_from_another_process(tmp_path: Path) -> None:
    shard(tmp_path, "train-00000")
    with Feeder(FeederOptions(tmp_path, seconds=5)) as feeder:
        texts = [example.text for _ in range(4) for example in feeder.next_batch()]
    assert any("Word" in text for text in texts)


def test_a_folder_without_shards_is_an_error(tmp_path: Path) -> None:
    with Feeder(FeederOptions(tmp_path)) as feeder, pytest.raises(FileNotFoundError, match="prepare step"):
        feeder.next_batch()


def test_held_out_examples_are_those_of_a_prefix(tmp_path: Path) -> None:
    shard(tmp_path, "test-neural-00000", count=8)
    shard(tmp_path, "dev-00000", count=4)
    assert len(held_out(FeederOptions(tmp_path))) == 8
    assert len(held_out(FeederOptions(tmp_path), "dev")) == 4
