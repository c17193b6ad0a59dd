"""References of a configuration, as OmegaConf resolves them."""

from __future__ import annotations

import time
from typing import Any

import pytest

from auricle_server.checkpoints.errors import BadCheckpoint
from auricle_server.checkpoints.parsing.interpolations import is_reference, resolved

TREE: dict[str, Any] = {
    "width": 64,
    "defaults": {"hidden": 32, "name": "width", "context": [70, 13], "copy": "${defaults.context}"},
    "names": ["a", "b"],
}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("${width}", 64),
        ("${ width }", 64),
        ("${defaults.hidden}", 32),
        ("${.own}", 5),
        ("${..width}", 64),
        ("${..defaults.hidden}", 32),
        ("${names[1]}", "b"),
        ("${names.0}", "a"),
        ("${defaults.copy}", [70, 13]),
        ("${${defaults.name}}", 64),
        ("x${width}y${names[0]}", "x64ya"),
        ("${model.width}", 64),
        ("${nowhere}", "${nowhere}"),
        ("${names[2]}", "${names[2]}"),
        ("${oc.env:HOME}", "${oc.env:HOME}"),
        ("x${defaults}", "x${defaults}"),
        ("${here.text}", "${here.text}"),
    ],
)
def test_a_reference_is_what_it_refers_to(text: str, value: Any) -> None:
    assert resolved({**TREE, "here": {"own": 5, "text": text}})["here"]["text"] == value
    assert is_reference(text)


def test_lists_are_resolved_and_the_tree_stays_as_it_is() -> None:
    tree = {"left": 70, "encoder": {"contexts": [["${left}", 13], ["${left}", "${...right}"]], "right": 0}}
    assert resolved(tree)["encoder"]["contexts"] == [[70, 13], [70, 0]]
    assert tree["encoder"]["contexts"][0][0] == "${left}"  # type: ignore[index]


def test_circles_end_and_what_grows_without_end_is_refused() -> None:
    assert is_reference(resolved({"a": "${b}", "b": "${a}"})["a"])
    tree: dict[str, Any] = {"l0": [1] * 10} | {f"l{n}": [f"${{l{n - 1}}}"] * 10 for n in range(1, 12)}
    began = time.thread_time()
    with pytest.raises(BadCheckpoint, match="stand for more than 200000 values"):
        resolved(tree)
    assert time.thread_time() - began < 5


def test_omegaconf_finds_the_same() -> None:
    omegaconf = pytest.importorskip("omegaconf", reason="omegaconf, which the [nemo] extra brings, is not installed")
    tree = {
        **TREE,
        "encoder": {
            "d_model": "${width}",
            "deeper": {"up": "${..d_model}", "far": "${...width}"},
            "same": "${.d_model}",
        },
        "both": "${defaults.hidden}x${names[1]}",
    }
    assert resolved(tree) == omegaconf.OmegaConf.to_container(omegaconf.OmegaConf.create(tree), resolve=True)
