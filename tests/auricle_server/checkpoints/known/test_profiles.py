"""What a profile says of itself."""

from __future__ import annotations

import pytest

from auricle_server.checkpoints.errors import CheckpointError
from auricle_server.checkpoints.known.profiles import ModelProfile, latency_of
from auricle_server.cures import OFF


def test_latencies_are_chunks_of_one_frame_more_than_the_right_context() -> None:
    assert [latency_of(right) for right in (0, 1, 3, 6, 13)] == [80, 160, 320, 560, 1120]
    assert ModelProfile("acme/model", "MIT", (13, 0), 80, added_right_contexts=(1,)).latencies_ms == (80, 160, 1120)


def test_a_profile_that_says_nothing_else_has_no_cure_and_no_language_to_adapt() -> None:
    profile = ModelProfile("acme/model", "MIT", (13,), 1120)
    assert (profile.cures, profile.languages_to_adapt, profile.languages) == (OFF, frozenset(), ("en-US",))


def test_a_profile_that_contradicts_itself_is_refused() -> None:
    with pytest.raises(CheckpointError, match="default of 160 ms"):
        ModelProfile("acme/model", "MIT", (13,), 160)
    with pytest.raises(CheckpointError, match="languages to adapt"):
        ModelProfile("acme/model", "MIT", (13,), 1120, languages_to_adapt=frozenset(("el-GR",)))
