"""Which latencies a model has, and which is taken for streams that name none."""

from __future__ import annotations

from dataclasses import replace

import pytest

from auricle_server.checkpoints.config import ModelConfig, parse_config
from auricle_server.checkpoints.known.nemotron import ENGLISH, MULTILINGUAL
from auricle_server.checkpoints.known.profiles import ModelProfile
from auricle_server.checkpoints.latencies import default_latency_ms, latencies_ms, with_profile
from tests.support.archives import raw_config
from tests.support.tones import CHECKPOINT


def config(*rights: int) -> ModelConfig:
    """Of a checkpoint with these right contexts, in their order."""
    made = parse_config(raw_config(CHECKPOINT))
    return replace(made, encoder=replace(made.encoder, contexts=tuple((56, right) for right in rights)))


def test_a_right_context_of_r_frames_makes_chunks_of_one_more() -> None:
    assert latencies_ms(config(13, 0, 6)) == (1120, 80, 560)


@pytest.mark.parametrize(
    ("rights", "latency_ms"),
    [((13, 1, 0), 160), ((13, 6), 1120), ((6, 13), 560), ((3, 0, 6, 13), 320), ((0, 13), 80)],
)
def test_the_default_is_160_ms_where_the_checkpoint_has_it_and_else_its_first(
    rights: tuple[int, ...], latency_ms: int
) -> None:
    assert default_latency_ms(config(*rights), None) == latency_ms


@pytest.mark.parametrize(
    ("rights", "profile", "latency_ms"),
    [((3, 0, 6, 13), MULTILINGUAL, 320), ((13, 6, 1, 0), ENGLISH, 160), ((6, 0), ENGLISH, 560)],
)
def test_a_profile_has_its_own_default_unless_the_checkpoint_lacks_it(
    rights: tuple[int, ...], profile: ModelProfile, latency_ms: int
) -> None:
    assert default_latency_ms(with_profile(config(*rights), profile), profile) == latency_ms


def test_a_profile_adds_its_right_contexts_after_the_checkpoints_own() -> None:
    own = config(3, 0, 6, 13)
    added = with_profile(own, MULTILINGUAL)
    assert added.encoder.contexts == ((56, 3), (56, 0), (56, 6), (56, 13), (56, 1))
    assert with_profile(added, MULTILINGUAL) == added
    assert with_profile(own, None) == with_profile(own, ENGLISH) == own
