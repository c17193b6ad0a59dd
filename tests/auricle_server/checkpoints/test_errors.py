"""One base for everything that is wrong with a checkpoint, and a class of its own for each thing to do about it."""

from __future__ import annotations

from pathlib import Path

import pytest

from auricle_server.checkpoints import CheckpointError, errors, load_checkpoint

KINDS = [each for each in vars(errors).values() if isinstance(each, type) and each is not CheckpointError]


def test_one_clause_catches_all_of_them() -> None:
    assert len(KINDS) == 5
    assert all(issubclass(kind, CheckpointError) for kind in KINDS)
    assert not any(issubclass(one, other) for one in KINDS for other in KINDS if one is not other)


def test_none_is_mistaken_for_an_error_of_the_disk_or_of_a_value() -> None:
    assert not any(issubclass(kind, OSError | ValueError) for kind in KINDS)


@pytest.mark.parametrize("content", [None, b"", b"text"])
def test_loading_raises_nothing_else_for_what_is_no_checkpoint(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "model.nemo"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(CheckpointError, match=r"model\.nemo"):
        load_checkpoint(str(path))
