from __future__ import annotations

from dataclasses import FrozenInstanceError

import pytest

from tests.support.engine.rows import rows


def test_its_length_is_that_of_the_batch() -> None:
    assert len(rows()) == 2


def test_rows_are_single_chunks_unless_they_say_otherwise() -> None:
    assert rows().chunks == 1


def test_it_cannot_be_changed() -> None:
    with pytest.raises(FrozenInstanceError):
        rows().frames = 3  # type: ignore[misc]
