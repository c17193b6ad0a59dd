"""Says what a file is that is no checkpoint, and what to do: people give the wrong file, or half of the right one.

Files are known by their first bytes. Only a file that could not be read is looked at, so that no checkpoint is refused
for what it resembles. Loads no tensor library.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import IO

_HEAD, _TAIL = 1 << 16, 1 << 16
"""Bytes at either end that are looked at."""
_SHOWN = 100
_BOM = b"\xef\xbb\xbf"

_TEXTS = (
    (
        rb"version https://git-lfs\.github\.com/spec/",
        "a Git LFS pointer, which stands for the file: run `git lfs pull` in its repository, or download the file",
    ),
    (
        rb"(\.\./)*(\.git/annex/|/annex/)objects/",
        "a git-annex pointer, which stands for the file: run `git annex get` in its repository",
    ),
    (rb"# xet version ", "a Xet pointer, which stands for the file: run `git xet` or `hf download` to get it"),
    (
        rb"(?i)(<\?xml[^>]*>\s*)?(<!--.*?-->\s*)?(<!doctype html|<html|<head|<body|<title)",
        "an HTML page, which a browser or a log-in page has left in place of the file: download the file itself",
    ),
    (rb"<\?xml|<Error>", "XML, probably a storage server's error: download the file again"),
)
_PICKLED = rb"\x80[\x02-\x05]"
_BINARIES = (
    (rb"RIFF....WAVE|RF64....WAVE|RIFX....WAVE", "a recording (WAV)"),
    (rb"OggS", "a recording (Ogg)"),
    (rb"fLaC", "a recording (FLAC)"),
    (rb"ID3|\xff[\xe2-\xe7\xf2-\xf7\xfa-\xff]", "a recording (MP3)"),
    (rb"....ftyp", "a recording (MP4)"),
    (rb"\x1aE\xdf\xa3", "a recording (WebM or Matroska)"),
    (rb"FORM....AIF[FC]|\.snd|caff|#!AMR|\x30\x26\xb2\x75\x8e\x66\xcf\x11", "a recording"),
)
_ARCHIVES = (
    (rb"BZh[1-9]", "bzip2"),
    (rb"\xfd7zXZ", "xz"),
    (rb"\x28\xb5\x2f\xfd", "Zstandard"),
    (rb"7z\xbc\xaf\x27\x1c", "7-Zip"),
    (rb"Rar!", "RAR"),
)
_OTHERS = (
    (rb"GGUF", "a GGUF file of another program; Auricle reads .nemo files and safetensors"),
    (rb"\x89HDF", "an HDF5 file of another program; Auricle reads .nemo files and safetensors"),
    (rb"%PDF", "a PDF document"),
)
_SAFETENSORS = "a safetensors file: name it model.safetensors, and put it beside its config.json and tokenizer.json"
_SAVE_TO = (
    "it has neither the configuration nor the tokenizer: load it with NeMo, write a .nemo file with "
    '`model.save_to("model.nemo")`, and give that'
)


def foreign_file(path: Path) -> str | None:
    """What a file is that could not be read as a part of a checkpoint, and what to do; None where that is not known."""
    try:
        with path.open("rb") as stream:
            what = foreign_content(stream)
    except OSError:
        return None
    return None if what == _SAFETENSORS and path.suffix.lower() == ".safetensors" else what


def unreadable(path: Path, otherwise: str) -> str:
    """The sentence about a file that could not be read: what it is, or else `otherwise`."""
    what = foreign_file(path)
    return f"{path} {otherwise}" if what is None else f"{path} is {what}"


def foreign_content(stream: IO[bytes]) -> str | None:
    """Like `foreign_file`, of what a stream holds from its beginning on."""
    head = stream.read(_HEAD)
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        stream.seek(0, 2)
        stream.seek(max(0, stream.tell() - _TAIL))
        return _zip(head, stream.read(_TAIL))
    return _text(head) or _binary(head)


def _zip(head: bytes, tail: bytes) -> str:
    # torch.save puts data.pkl first, and Lightning its version before the weights.
    if b"data.pkl" in head[:_SHOWN] or b"/data.pkl" in tail:
        return _training(head) or f"a file of weights by torch.save: {_SAVE_TO}"
    if b".nemo" in head or b".nemo" in tail:
        return "a zip archive with a .nemo file in it: unpack it, and give that"
    if b"model_config.yaml" in head or b"model_config.yaml" in tail:
        return "a zip archive of what a .nemo file holds: unpack it, and give the folder"
    return "a zip archive, and a .nemo file is a tar archive: unpack it, and give the .nemo file or the folder in it"


def _training(head: bytes) -> str | None:
    if b"pytorch-lightning_version" in head or b"state_dict" in head:
        return f"a checkpoint of a training (Lightning's .ckpt): {_SAVE_TO}"
    return None


def is_pointer(path: Path) -> bool:
    """Whether a file only stands for one that was not fetched with its repository."""
    with path.open("rb") as stream:
        return "pointer" in (page_or_pointer(stream.read(_SHOWN)) or "")


def page_or_pointer(content: bytes) -> str | None:
    """What a text is that stands in place of the file, by its first bytes; None for any other."""
    start = content[:_HEAD].removeprefix(_BOM).lstrip()
    return next((what for pattern, what in _TEXTS if re.match(pattern, start, re.DOTALL)), None)


def _text(head: bytes) -> str | None:
    if what := page_or_pointer(head):
        return what
    start = head.removeprefix(_BOM).lstrip()
    if start[:1] in {b"{", b"["} and b"\0" not in start:
        shown = " ".join(start[:_SHOWN].decode(errors="replace").split())
        return f"JSON, probably a server's answer in place of the file ({shown}): download the file itself"
    return None


def _binary(head: bytes) -> str | None:
    for pattern, what in _BINARIES:
        if re.match(pattern, head, re.DOTALL):
            return f"{what}: `auricle transcribe` takes recordings; a model is a .nemo file, a folder or a hub id"
    for pattern, name in _ARCHIVES:
        if re.match(pattern, head, re.DOTALL):
            return f"compressed with {name}: unpack it; a .nemo file is a tar archive, plain or gzipped"
    for pattern, what in _OTHERS:
        if re.match(pattern, head, re.DOTALL):
            return what
    if re.match(_PICKLED, head):
        return _training(head) or f"a pickle, probably weights by an old torch.save: {_SAVE_TO}"
    # safetensors begin with the length of their header, in which JSON follows.
    if head[8:10] == b'{"' and int.from_bytes(head[:8], "little") < 1 << 27:
        return _SAFETENSORS
    return None
