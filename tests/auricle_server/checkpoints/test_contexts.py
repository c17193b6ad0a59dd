"""Of a checkpoint's attention contexts, those that a stream can compute chunk by chunk."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from auricle_server.checkpoints.contexts import streaming_contexts
from auricle_server.checkpoints.errors import BadCheckpoint, UnsupportedModel
from auricle_server.checkpoints.section import Section


def contexts(size: Any, style: str | None = "chunked_limited") -> tuple[tuple[int, int], ...]:
    return streaming_contexts(Section("encoder", {"att_context_size": size, "att_context_style": style}))


def test_chunked_contexts_keep_their_order() -> None:
    assert contexts([[70, 13], [70, 0], [35, 6]]) == ((70, 13), (70, 0), (35, 6))


@pytest.mark.parametrize("style", ["chunked_limited", "regular", None])
def test_one_context_needs_no_list_of_lists(style: str | None) -> None:
    assert contexts([70, 0], style) == ((70, 0),)


def test_what_cannot_be_streamed_is_left_out_and_logged(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "auricle_server"):
        assert contexts([[-1, -1], [70, -1], [-1, 6], [70, 6, 2], [4, 4], [5, 4]]) == ((5, 4),)
    assert "only [[5, 4]] can be streamed" in caplog.text


def test_in_the_regular_style_only_a_right_context_of_zero_is_a_chunk(caplog: pytest.LogCaptureFixture) -> None:
    assert contexts([[70, 13], [70, 0]], "regular") == ((70, 0),)
    with pytest.raises(UnsupportedModel, match=r"encoder\.att_context_style is 'regular'.*right context of 0"):
        contexts([[70, 13], [70, 1]], "regular")


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("[70, 13]", ((70, 13),)),
        ("70,13", ((70, 13),)),
        ("(70, 1)", ((70, 1),)),
        (" [[70, 13], [70, 0]] ", ((70, 13), (70, 0))),
        ("[70,13],[70,0]", ((70, 13), (70, 0))),
    ],
)
def test_contexts_may_be_a_text(text: str, found: tuple[tuple[int, int], ...]) -> None:
    assert contexts(text) == found


@pytest.mark.parametrize("size", [70, 70.0, "70", "far", "[70, 13", [[]], ["70"], {"left": 70}, True, "9" * 5000])
def test_what_is_no_context_is_refused_by_its_key(size: Any) -> None:
    with pytest.raises(BadCheckpoint, match=r"encoder\.att_context_size is "):
        contexts(size)


@pytest.mark.parametrize("size", [[-1, -1], [[-1, -1], [70, -1]], None, [], "[]", ""])
def test_unlimited_attention_is_refused(size: Any) -> None:
    with pytest.raises(UnsupportedModel, match=r"encoder\.att_context_size is .*whole recording"):
        contexts(size)


def test_another_style_is_refused_by_name() -> None:
    with pytest.raises(UnsupportedModel, match=r"'chunked_limited_with_rc'.*streams 'chunked_limited'"):
        contexts([[70, 13]], "chunked_limited_with_rc")
