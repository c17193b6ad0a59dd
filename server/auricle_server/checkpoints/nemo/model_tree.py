"""The configuration and the tokenizer of a NeMo checkpoint, from its members. Loads no tensor library."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from auricle_server.checkpoints.config import model_tree
from auricle_server.checkpoints.errors import BadCheckpoint, UnsupportedModel
from auricle_server.checkpoints.nemo.members import (
    CONFIG_NAME,
    Members,
    archive_config,
    opened,
    read_config,
    read_member,
)
from auricle_server.checkpoints.nemo.unpacked_archive import find_unpacked, is_gzipped
from auricle_server.checkpoints.parsing.bounds import VOCABULARY
from auricle_server.checkpoints.section import Section, shown
from auricle_server.checkpoints.tokenizer import most_bytes, sentencepiece_pieces


def read_tree(origin: str, members: Members) -> Mapping[str, Any]:
    """Reads the model's tree, without its lists of tokens.

    Where it leaves the number of tokens open, which NeMo counts when it makes the model, it is that of the tokenizer.

    Raises:
        BadCheckpoint: The configuration, or a tokenizer that is needed, is missing or damaged.
        UnsupportedModel: A tokenizer that is needed is of another kind.
    """
    tree = model_tree(read_config(origin, members, vocabulary=False))
    if not _is_open(tree):
        return tree
    count = len(sentencepiece_pieces(read_tokenizer(origin, tree, int(VOCABULARY.most), members)))
    return {**tree, "joint": {**tree["joint"], "num_classes": count}}


def archive_tree(path: Path) -> Mapping[str, Any]:
    """Reads the model's tree from a ``.nemo`` file; see `read_tree`, and `members.archive_config` for gzipped ones."""
    tree = model_tree(archive_config(path))
    plain = (find_unpacked(path) if is_gzipped(path) else path) if _is_open(tree) else None
    if plain is None:
        return tree
    with opened(plain) as members:
        return read_tree(str(path), members)


def _is_open(tree: Mapping[str, Any]) -> bool:
    """Whether the number of tokens is -1, and in no other place."""
    joint, decoder = tree.get("joint"), tree.get("decoder")
    stated = decoder.get("vocab_size", -1) if isinstance(decoder, dict) else -1
    return isinstance(joint, dict) and joint.get("num_classes") == -1 and stated in (None, -1)


def read_tokenizer(origin: str, config: Mapping[str, Any], pieces: int, members: Members) -> bytes:
    """Reads the SentencePiece model that a tree names, of at most so many pieces.

    Raises:
        BadCheckpoint: The tree names none, or it is missing.
        UnsupportedModel: It is not a single SentencePiece model.
    """
    section = Section("", config).optional("tokenizer")
    kind = section.find("type", "bpe")
    # NeMo says 'bpe' for any SentencePiece model; 'agg' joins several of them.
    if kind != "bpe":
        raise UnsupportedModel(
            f"tokenizer.type is {shown(kind)}; Auricle reads models with one SentencePiece tokenizer (type 'bpe'), and "
            f"detokenizes its pieces one by one; take a model of the family that has one"
        )
    name = str(section.find("model_path", "")).removeprefix("nemo:")
    if not name:
        raise BadCheckpoint(f"{origin}: {CONFIG_NAME} names no tokenizer.model_path (a SentencePiece model)")
    return read_member(members, Path(name).name, most_bytes(pieces))
