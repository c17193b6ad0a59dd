"""Values of settings as people write them."""

from __future__ import annotations

import pytest

from auricle_server.setting_values import can_be_sent, flag, read_keys, read_origins


@pytest.mark.parametrize(("text", "value"), [("1", True), (" Yes", True), ("on", True), ("OFF", False), ("0", False)])
def test_truths(text: str, value: bool) -> None:
    assert flag(text) is value


def test_what_is_no_truth_is_refused() -> None:
    with pytest.raises(ValueError, match="maybe"):
        flag("maybe")


def test_lists() -> None:
    assert read_keys(" a, ,b,") == ("a", "b")
    assert read_origins("a, ") == ("a", "")
    assert [can_be_sent(key) for key in ("key", "", " key", "k\n")] == [True, False, False, False]
