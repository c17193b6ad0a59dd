"""Finds PyTorch's weights in a file, to be mapped: no byte is read before it is needed.

A ``.ckpt`` as `torch.save` writes it is a zip file of a pickle and, uncompressed, each tensor's storage. The pickle may
name only what a dictionary of tensors consists of; nothing else is called (`weight_pickle`).
"""

from __future__ import annotations

import math
import pickle
import struct
import zipfile
from collections import OrderedDict
from dataclasses import dataclass
from typing import Any, BinaryIO

import torch

from auricle_server.checkpoints.nemo.bounded_streams import most_unpacked
from auricle_server.checkpoints.nemo.members import FileSpan
from auricle_server.checkpoints.nemo.weight_pickle import MOST_BYTES, Made, WeightPickle
from auricle_server.checkpoints.weights import MOST_AXES, MappedFile, StoredTensor

_LOCAL_HEADER = struct.Struct("<26xHH")
"""Header of a zip file's entry, 30 bytes; its last fields are the lengths of the name and of the extra field."""
_OLD_PICKLES = 5
_MOST_LINE = 4096
_MOST_COUNT = 1 << 48
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
            part.seek(0)
            _check_old_format(part)
            raise NotMappable(str(error)) from error


def _check_old_format(part: _Part) -> None:
    """Raises `pickle.UnpicklingError` where a file of PyTorch before 1.6, a row of pickles, holds more than tensors."""
    # A magic number, the version, the machine, the dictionary and the keys of its storages.
    nothing = Made(lambda *_: None)
    for _ in range(_OLD_PICKLES):
        WeightPickle(lambda module, name: _known(module, name, nothing), lambda _: None).read(part)


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
        wanted = left if count < 0 else min(count, left)
        if wanted > MOST_BYTES:  # zipfile asks for all names at once, and for the rest in small pieces
            raise pickle.UnpicklingError(f"its list of entries takes {wanted} bytes, more than that of any checkpoint")
        self._stream.seek(self._span.start + self._at)
        data = self._stream.read(wanted)
        self._at += len(data)
        return data

    def readline(self) -> bytes:
        line = b""
        while not line.endswith(b"\n") and (byte := self.read(1)):
            line += byte
            if len(line) > _MOST_LINE:
                raise pickle.UnpicklingError("it has a name of great length")
        return line


def _unpickle(archive: zipfile.ZipFile, part: _Part, file: MappedFile) -> Any:
    # torch.save puts every entry under one folder, named after the file.
    entries = {entry.filename.partition("/")[2]: entry for entry in archive.infolist()}
    if "data.pkl" not in entries:
        raise NotMappable("no data.pkl")
    sizes = [entry.file_size for entry in entries.values()]
    if entries["data.pkl"].file_size > MOST_BYTES or sum(sizes) > most_unpacked(len(file)):
        raise pickle.UnpicklingError("its entries are larger than those of any checkpoint")
    if "byteorder" in entries and archive.read(entries["byteorder"])[:8] != b"little":
        raise NotMappable("written on a big-endian machine")
    reader = _Reader(entries, part, file)
    weights = WeightPickle(reader.find, reader.persistent_load).read(archive.read(entries["data.pkl"]))
    if reader.compressed:
        raise NotMappable("compressed")
    return weights


def _known(module: str, name: str, tensor: Made) -> Any:
    """What a global of the pickle stands for."""
    if module == "torch" and name in _DTYPES:
        return _DTYPES[name]
    known = {
        ("collections", "OrderedDict"): Made(_ordered),
        ("torch._utils", "_rebuild_tensor_v2"): tensor,
        ("torch._utils", "_rebuild_parameter"): Made(_parameter),
    }
    if (module, name) not in known:
        raise pickle.UnpicklingError(f"{module:.80}.{name:.80} is no part of a dictionary of tensors")
    return known[module, name]


def _ordered(pairs: list[Any] | tuple[()] = ()) -> OrderedDict[str, Any]:
    """An `OrderedDict`; old versions of Python pickled its items as a list of pairs."""
    if not all(isinstance(key, str) for key, _ in pairs):
        raise pickle.UnpicklingError("its keys are no names")
    return OrderedDict(pairs)


class _Reader:
    """Finds the tensors of a pickle in the other entries of its zip file.

    Attributes:
        compressed: Whether one of these is compressed.
    """

    def __init__(self, entries: dict[str, zipfile.ZipInfo], part: _Part, file: MappedFile) -> None:
        self._entries, self._part, self._file = entries, part, file
        self.compressed = False

    def find(self, module: str, name: str) -> Any:
        return _known(module, name, Made(self._tensor))

    def persistent_load(self, pid: Any) -> _Storage:
        _, dtype, key, _, count = pid
        entry = self._entries.get(f"data/{key}")
        if entry is None or not isinstance(dtype, torch.dtype) or not _are_counts(count):
            raise pickle.UnpicklingError(f"storage {key!s:.80} is missing")
        self.compressed |= entry.compress_type != zipfile.ZIP_STORED
        if entry.file_size < count * dtype.itemsize:
            raise pickle.UnpicklingError(f"storage {key!s:.80} is cut short")
        # From the local header: torch pads its extra field to align storages, and the central directory's differs.
        self._part.seek(entry.header_offset)
        name, extra = _LOCAL_HEADER.unpack(self._part.read(_LOCAL_HEADER.size))
        start = self._part.start + entry.header_offset + _LOCAL_HEADER.size + name + extra
        if start + entry.compress_size > len(self._file):
            raise pickle.UnpicklingError(f"storage {key!s:.80} is cut short")
        return _Storage(start, dtype, count)

    def _tensor(
        self, storage: _Storage, offset: int, size: tuple[int, ...], stride: tuple[int, ...], *_: Any
    ) -> StoredTensor:
        if len(size) > MOST_AXES or len(size) != len(stride):
            raise pickle.UnpicklingError("a tensor has no shape that a parameter can have")
        if not _are_counts(offset, *size, *stride):
            raise pickle.UnpicklingError(f"a tensor of shape {size!s:.80} is larger than its storage")
        start = storage.start + offset * storage.dtype.itemsize
        tensor = StoredTensor(self._file, start, storage.dtype, tuple(size), tuple(stride))
        # Fewer values than the shape says would be there more than once: a file of a kilobyte could fill the memory.
        if offset + tensor.extent > storage.count or tensor.extent < math.prod(size):
            raise pickle.UnpicklingError(f"a tensor of shape {tuple(size)} is larger than its storage")
        return tensor


def _are_counts(*numbers: Any) -> bool:
    return all(isinstance(number, int) and 0 <= number <= _MOST_COUNT for number in numbers)


def _parameter(data: StoredTensor, *_: Any) -> StoredTensor:
    return data
