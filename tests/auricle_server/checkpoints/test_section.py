"""A section of a configuration: defaults, and errors that name the place."""

from __future__ import annotations

import pytest

from auricle_server.checkpoints.errors import BadCheckpoint, UnsupportedModel
from auricle_server.checkpoints.section import Section

SECTION = Section("encoder", {"layers": 2, "style": None, "factor": 0, "inside": {"width": 8}})


@pytest.mark.parametrize("values", [None, [], "text", 3])
def test_what_is_no_section_is_no_checkpoint(values: object) -> None:
    with pytest.raises(BadCheckpoint, match=r"model_config\.yaml has no section 'encoder'"):
        Section("encoder", values)


def test_null_counts_as_missing_and_zero_does_not() -> None:
    assert (SECTION.find("layers", 5), SECTION.find("factor", 5)) == (2, 0)
    assert (SECTION.find("style", 5), SECTION.find("none", 5), SECTION.find("none")) == (5, 5, None)
    assert SECTION.get("factor") == 0
    for key in ("style", "none"):
        with pytest.raises(BadCheckpoint, match=rf"encoder\.{key} is missing"):
            SECTION.get(key)


def test_an_expected_value_is_the_one_or_one_of_several() -> None:
    SECTION.expect("layers", 2)
    SECTION.expect("layers", (1, 2))
    SECTION.expect("style", None)
    SECTION.expect("none", True, default=True)


def test_another_value_is_refused_with_those_that_would_do() -> None:
    with pytest.raises(UnsupportedModel, match=r"encoder\.layers is 2: .* have 1 or 3\. .*`auricle models`"):
        SECTION.expect("layers", (1, 3))
    with pytest.raises(UnsupportedModel, match=r"encoder\.none is None: .* have True"):
        SECTION.expect("none", True)


def test_a_reason_replaces_the_list() -> None:
    with pytest.raises(UnsupportedModel, match=r"encoder\.layers is 2: it looks ahead\.") as refused:
        SECTION.expect("layers", 1, why="it looks ahead")
    assert "models that the engine runs have" not in str(refused.value)


def test_a_subsection_is_named_by_its_path() -> None:
    assert SECTION.inner("inside").get("width") == 8
    with pytest.raises(BadCheckpoint, match=r"encoder\.inside\.depth is missing"):
        SECTION.inner("inside").get("depth")
    with pytest.raises(BadCheckpoint, match=r"no section 'encoder\.layers'"):
        SECTION.inner("layers")
