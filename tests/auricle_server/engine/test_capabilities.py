from __future__ import annotations

from dataclasses import replace

import pytest

from auricle_server.checkpoints.config import PromptConfig
from auricle_server.engine import UnknownLanguage, UnknownLatency
from auricle_server.engine.capabilities import Capabilities
from tests.support.engine.tiny_model import checkpoint


def offered(sizes: list[int], prompt: PromptConfig | None = None) -> Capabilities:
    made = checkpoint()
    return Capabilities(replace(made, config=replace(made.config, prompt=prompt)), sizes, slots=3)


def test_latencies_are_chunks_of_80_ms_frames() -> None:
    capabilities = offered([14, 1, 2])
    assert capabilities.info.latencies_ms == (80, 160, 1120)
    assert [capabilities.frames(latency) for latency in (80, 160, 1120)] == [1, 2, 14]
    with pytest.raises(UnknownLatency, match="80, 160, 1120"):
        capabilities.frames(560)


@pytest.mark.parametrize(("sizes", "latency_ms"), [([14, 2, 1], 160), ([7, 14], 560)])
def test_the_default_latency_is_160_ms_where_the_model_has_it(sizes: list[int], latency_ms: int) -> None:
    assert offered(sizes).info.default_latency_ms == latency_ms


def test_a_model_without_a_prompt_is_english() -> None:
    capabilities = offered([1])
    assert (capabilities.info.languages, capabilities.prompt("en-US")) == (("en-US",), 0)
    with pytest.raises(UnknownLanguage, match="de-DE"):
        capabilities.prompt("de-DE")


def test_a_prompted_model_offers_the_trained_languages_of_its_dictionary() -> None:
    capabilities = offered([1], PromptConfig(128, {"auto": 101, "de-DE": 9, "xx-XX": 77}))
    assert (capabilities.info.languages, capabilities.info.default_language) == (("auto", "de-DE"), "auto")
    assert capabilities.prompt("de-DE") == 9


def test_a_model_that_was_not_measured_gets_the_delays_of_its_geometry() -> None:
    timing = offered([1]).info.words.timing(80)
    assert timing is not None
    assert timing.start == pytest.approx(0.08)
