"""YAML is refused before it explodes, and read where it is of an honest size."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from auricle_server.checkpoints import load_checkpoint
from auricle_server.checkpoints.known.facts import facts
from auricle_server.checkpoints.parsing.yaml_text import parse_yaml
from tests.support.archives import unpack
from tests.support.hostile import CONFIG, refused
from tests.support.tones import CHECKPOINT


@pytest.fixture
def unpacked(tmp_path: Path) -> Path:
    """The two-tone checkpoint as a folder, to be damaged at will."""
    return unpack(CHECKPOINT, tmp_path / "unpacked")


LAUGHS = "a0: &a0 [x, x]\n" + "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 30))
MERGES = "a0: &a0 {k: v}\n" + "".join(f"a{n}: &a{n} {{<<: [{', '.join([f'*a{n - 1}'] * 9)}]}}\n" for n in range(1, 30))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (LAUGHS, "stands for more than 50000 values"),
        (MERGES, "stands for more than 50000 values"),
        (f"encoder: &e {{n_layers: *e}}\n{LAUGHS}", r"alias \*e inside of what it stands for"),
        ("[" * 100_000, "nesting|levels"),
        ("- " * 100_000, "nesting|levels"),
        ("{a: " * 900 + "1" + "}" * 900, "more than 64 levels"),
        ("a:\n" + "".join(f"  k{n}: 1\n" for n in range(200_000)), "stands for more than 50000 values"),
        ("a: " + "x" * 5_000_000, r"has more than \d+ bytes"),
        ("a: 1" + ":1" * 200_000, "number of 400001 characters"),
        ("a: " + "9" * 5_000, "number of 5000 characters"),
        ("a: 0x" + "f" * 5_000, "number of 5002 characters"),
        ("a: !!int 1" + ":1" * 200_000, "number of 400001 characters"),
        ("a: 2001-99-99", "is not YAML"),
        ("a: !!float abc", "is not YAML"),
        ("a: !!int ''", "is not YAML"),
        ("a: !!bool maybe", "is not YAML"),
        ("? {a: b}\n: c", "is not YAML"),
        ("a: *unknown", "is not YAML"),
    ],
)
def test_yaml_that_explodes_is_refused(unpacked: Path, text: str, said: str) -> None:
    target = "target: nemo.collections.asr.models.rnnt_bpe_models.EncDecRNNTBPEModel\n" if text[0] not in "[-{" else ""
    (unpacked / CONFIG).write_text(target + text)
    for read in (facts, lambda path: load_checkpoint(str(path))):
        with refused(said):
            read(unpacked)


def test_anchors_and_merges_of_an_honest_size_are_read(unpacked: Path) -> None:
    text = (unpacked / CONFIG).read_text()
    tree = yaml.safe_load(text)
    encoder = tree.pop("encoder")
    layers = encoder.pop("n_layers")
    shared = f"shared: &shared {json.dumps(encoder)}\nencoder: {{<<: *shared, n_layers: {layers}}}\n"
    (unpacked / CONFIG).write_text(yaml.safe_dump(tree) + shared)
    assert load_checkpoint(str(unpacked)).config == load_checkpoint(str(CHECKPOINT)).config


def test_what_is_within_the_bounds_is_what_yaml_says() -> None:
    text = b"a: &a {x: 1}\nb: [*a, *a]\nc: {<<: *a, y: 2}\nd: '" + b"9" * 5_000 + b"'\n"
    assert parse_yaml(text) == yaml.safe_load(text)
    assert parse_yaml(b"[" * 60 + b"]" * 60) == yaml.safe_load("[" * 60 + "]" * 60)
