from __future__ import annotations

from dataclasses import replace

import pytest

from auricle_server.checkpoints.config import PromptConfig
from auricle_server.checkpoints.known.nemotron import ENGLISH, MULTILINGUAL
from auricle_server.checkpoints.known.profiles import ModelProfile
from auricle_server.checkpoints.latencies import with_profile
from auricle_server.engine import UnknownLanguage, UnknownLatency
from auricle_server.engine.capabilities import Capabilities
from tests.support.engine.tiny_model import checkpoint


def offered(sizes: list[int], prompt: PromptConfig | None = None) -> Capabilities:
    made = checkpoint()
    return Capabilities(replace(made, config=replace(made.config, prompt=prompt)), sizes, slots=3)


def with_contexts(
    rights: tuple[int, ...], profile: ModelProfile | None = None, prompt: PromptConfig | None = None
) -> Capabilities:
    """Of a checkpoint with these right contexts, in their order."""
    made = checkpoint()
    encoder = replace(made.config.encoder, contexts=tuple((56, right) for right in rights))
    config = replace(made.config, encoder=encoder, prompt=prompt)
    config = with_profile(config, profile)
    sizes = sorted(right + 1 for _, right in config.encoder.contexts)
    return Capabilities(replace(made, config=config, profile=profile), sizes, slots=3)


def test_latencies_are_chunks_of_80_ms_frames() -> None:
    capabilities = offered([14, 1, 2])
    assert capabilities.info.latencies_ms == (80, 160, 1120)
    assert [capabilities.frames(latency) for latency in (80, 160, 1120)] == [1, 2, 14]
    with pytest.raises(UnknownLatency, match="80, 160, 1120"):
        capabilities.frames(560)


@pytest.mark.parametrize(
    ("rights", "latency_ms"),
    [((13, 1, 0), 160), ((13, 6), 1120), ((6, 13), 560), ((3, 0, 6, 13), 320), ((0, 13), 80)],
)
def test_the_default_latency_is_160_ms_where_the_checkpoint_has_it_and_else_its_first(
    rights: tuple[int, ...], latency_ms: int
) -> None:
    assert with_contexts(rights).info.default_latency_ms == latency_ms


def test_a_profile_has_its_own_default_and_what_it_adds_is_offered() -> None:
    capabilities = with_contexts((3, 0, 6, 13), MULTILINGUAL)
    assert capabilities.info.latencies_ms == (80, 160, 320, 560, 1120)
    assert capabilities.info.default_latency_ms == 320
    assert with_contexts((13, 6, 1, 0), ENGLISH).info.default_latency_ms == 160
    assert with_contexts((6, 0), ENGLISH).info.default_latency_ms == 560  # a default that is not offered


def test_languages_that_need_fine_tuning_are_those_of_the_profile_that_the_checkpoint_has() -> None:
    prompt = PromptConfig(128, {"auto": 101, "de-DE": 9, "el-GR": 21})
    assert with_contexts((3,), MULTILINGUAL, prompt).info.languages_to_adapt == ("el-GR",)
    assert with_contexts((3,), None, prompt).info.languages_to_adapt == ()


def test_a_model_without_a_prompt_is_english() -> None:
    capabilities = offered([1])
    assert (capabilities.info.languages, capabilities.prompt("en-US")) == (("en-US",), 0)
    with pytest.raises(UnknownLanguage, match="de-DE"):
        capabilities.prompt("de-DE")


def test_a_prompted_model_offers_the_languages_of_its_dictionary() -> None:
    capabilities = offered([1], PromptConfig(128, {"auto": 101, "de-DE": 9, "xx-XX": 77, "id-ID": 34}))
    assert capabilities.info.languages == ("auto", "de-DE", "xx-XX", "id-ID")
    assert capabilities.info.default_language == "auto"
    assert [capabilities.prompt(code) for code in ("de-DE", "xx-XX", "id-ID")] == [9, 77, 34]


def test_a_published_model_offers_those_that_it_was_trained_on_and_those_that_were_added() -> None:
    prompt = PromptConfig(128, {"auto": 101, "de-DE": 9, "xx-XX": 77, "id-ID": 34})
    assert with_contexts((3,), MULTILINGUAL, prompt).info.languages == ("auto", "de-DE", "xx-XX")


def test_a_model_that_was_not_measured_gets_the_delays_of_its_geometry() -> None:
    timing = offered([1]).info.words.timing(80)
    assert timing is not None
    assert timing.start == pytest.approx(0.08)
