"""Finds PyTorch's weights in a file, to be mapped: no byte is read before it is needed.

A ``.ckpt`` as `torch.save` writes it is a zip file of a pickle and, uncompressed, each tensor's storage. The pickle may
name only what a dictionary of tensors consists of; nothing else is called, unlike in `pickle.load`.
"""

from __future__ import annotations

import pickle
import struct
import zipfile
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, BinaryIO

import torch

from auricle_server.checkpoints.nemo.members import FileSpan
from auricle_server.checkpoints.weights import MappedFile, StoredTensor

_LOCAL_HEADER = struct.Struct("<26xHH")
"""Header of a zip file's entry, 30 bytes; its last fields are the lengths of the name and of the extra field."""
_DTYPES = {
    "BFloat16Storage": torch.bfloat16,
    "BoolStorage": torch.bool,
    "ByteStorage": torch.uint8,
    "CharStorage": torch.int8,
    "DoubleStorage": torch.float64,
    "FloatStorage": torch.float32,
    "HalfStorage": torch.float16,
    "IntStorage": torch.int32,
    "LongStorage": torch.int64,
    "ShortStorage": torch.int16,
}


class NotMappable(Exception):
    """The file was written by an older or another PyTorch; `torch.load` reads it."""


@dataclass(frozen=True, slots=True)
class _Storage:
    start: int
    dtype: torch.dtype
    count: int


def map_weights(span: FileSpan) -> Any:
    """Unpickles the zip file at `span`; in place of its tensors stand `StoredTensor`.

    The file must not be shortened while they live.

    Raises:
        NotMappable: It is not such a zip file.
        pickle.UnpicklingError: The pickle names something that a dictionary of tensors does not consist of.
    """
    if span.size == 0:
        raise NotMappable("empty")
    with span.path.open("rb") as stream:
        part = _Part(stream, span)
        try:
            return _unpickle(zipfile.ZipFile(part), part, MappedFile(stream))
        except zipfile.BadZipFile as error:
            raise NotMappable(str(error)) from error


class _Part:
    """A span of a file, as a file.

    Attributes:
        start: First byte of the span in the file.
    """

    def __init__(self, stream: BinaryIO, span: FileSpan) -> None:
        self.start = span.start
        self._stream, self._span = stream, span
        self._at = 0

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = 0) -> int:
        self._at = offset + (0, self._at, self._span.size)[whence]
        if self._at < 0:
            raise OSError("before the start")
        return self._at

    def read(self, count: int = -1) -> bytes:
        left = max(0, self._span.size - self._at)
        self._stream.seek(self._span.start + self._at)
        data = self._stream.read(left if count < 0 else min(count, left))
        self._at += len(data)
        return data


def _unpickle(archive: zipfile.ZipFile, part: _Part, file: MappedFile) -> Any:
    # torch.save puts every entry under one folder, named after the file.
    entries = {entry.filename.partition("/")[2]: entry for entry in archive.infolist()}
    if "data.pkl" not in entries:
        raise NotMappable("no data.pkl")
    if "byteorder" in entries and archive.read(entries["byteorder"]) != b"little":
        raise NotMappable("written on a big-endian machine")
    with archive.open(entries["data.pkl"]) as stream:
        return _Unpickler(stream, entries, part, file).load()


class _Unpickler(pickle.Unpickler):
    def __init__(self, stream: Any, entries: dict[str, zipfile.ZipInfo], part: _Part, file: MappedFile) -> None:
        super().__init__(stream)
        self._entries, self._part, self._file = entries, part, file

    def find_class(self, module: str, name: str) -> Any:
        known: dict[tuple[str, str], Callable[..., Any]] = {
            ("collections", "OrderedDict"): OrderedDict,
            ("torch._utils", "_rebuild_tensor_v2"): self._tensor,
            ("torch._utils", "_rebuild_parameter"): _parameter,
        }
        if module == "torch" and name in _DTYPES:
            return _DTYPES[name]
        if (module, name) not in known:
            raise pickle.UnpicklingError(f"{module}.{name} is no part of a dictionary of tensors")
        return known[module, name]

    def persistent_load(self, pid: Any) -> _Storage:
        _, dtype, key, _, count = pid
        entry = self._entries.get(f"data/{key}")
        if entry is None or not isinstance(dtype, torch.dtype):
            raise pickle.UnpicklingError(f"storage {key} is missing")
        if entry.compress_type != zipfile.ZIP_STORED:
            raise NotMappable("compressed")
        if entry.file_size < count * dtype.itemsize:
            raise pickle.UnpicklingError(f"storage {key} is cut short")
        # From the local header: torch pads its extra field to align storages, and the central directory's differs.
        self._part.seek(entry.header_offset)
        name, extra = _LOCAL_HEADER.unpack(self._part.read(_LOCAL_HEADER.size))
        start = self._part.start + entry.header_offset + _LOCAL_HEADER.size + name + extra
        if start + entry.file_size > len(self._file):
            raise pickle.UnpicklingError(f"storage {key} is cut short")
        return _Storage(start, dtype, count)

    def _tensor(
        self, storage: _Storage, offset: int, size: tuple[int, ...], stride: tuple[int, ...], *_: Any
    ) -> StoredTensor:
        start = storage.start + offset * storage.dtype.itemsize
        tensor = StoredTensor(self._file, start, storage.dtype, tuple(size), tuple(stride))
        if min((offset, *size, *stride)) < 0 or offset + tensor.extent > storage.count:
            raise pickle.UnpicklingError(f"a tensor of shape {tuple(size)} is larger than its storage")
        return tensor


def _parameter(data: StoredTensor, *_: Any) -> StoredTensor:
    return data
