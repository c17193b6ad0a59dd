"""Reads the pickle of a dictionary of tensors, of whatever origin, in time and memory that its length bounds.

Python's unpickler is a machine with more than sixty operations. Even where it calls nothing, it can be made to fill the
memory (a memo of four thousand million entries) or never to end (a tuple of tuples as a key, whose hash doubles its
time with each level). Of its operations this one has those that `torch.save` writes, and its dictionaries have names as
keys.
"""

from __future__ import annotations

import io
import pickle
import pickletools
from collections.abc import Callable
from typing import Any, Protocol

MOST_BYTES = 4 << 20
"""Bytes of a pickle, or of the list of entries around it; those of a model of 700 parameters have 120 kB each."""
_MOST_OPERATIONS = 200_000
"""Those of a model of 700 parameters are 30,000."""
_MARK = object()
_PUSHED = frozenset(
    """
    BINUNICODE SHORT_BINUNICODE BINUNICODE8 BININT BININT1 BININT2 LONG1 LONG4 BINFLOAT BINBYTES SHORT_BINBYTES
    """.split()
)
_CONSTANTS: dict[str, Callable[[], Any]] = {
    "NONE": lambda: None,
    "NEWTRUE": lambda: True,
    "NEWFALSE": lambda: False,
    "EMPTY_TUPLE": tuple,
    "EMPTY_LIST": list,
    "EMPTY_DICT": dict,
    "MARK": lambda: _MARK,
}
_TUPLES = {"TUPLE1": 1, "TUPLE2": 2, "TUPLE3": 3}


class PickleStream(Protocol):
    """What is needed of a file."""

    def read(self, count: int, /) -> bytes:
        """As of any file."""
        ...

    def readline(self) -> bytes:
        """As of any file."""
        ...


class Made:
    """What a global of the pickle stands for: makes a value of arguments.

    Args:
        make: Is called with them.
    """

    def __init__(self, make: Callable[..., Any]) -> None:
        self.make = make


class WeightPickle:
    """Reads one pickle.

    Args:
        find: The value of a global, by its module and name; a `Made` may be called.
        load: The value of a persistent id.
    """

    def __init__(self, find: Callable[[str, str], Any], load: Callable[[Any], Any]) -> None:
        self._find, self._load = find, load
        self._stack: list[Any] = []
        self._memo: dict[int, Any] = {}

    def read(self, source: bytes | PickleStream) -> Any:
        """Reads up to the end of the pickle.

        Raises:
            pickle.UnpicklingError: It holds what no dictionary of tensors consists of.
            ValueError: It is damaged.
            IndexError: It is damaged.
            KeyError: It is damaged.
            TypeError: It is damaged.
        """
        stream = io.BytesIO(source) if isinstance(source, bytes) else source
        for number, (operation, argument, _) in enumerate(pickletools.genops(stream)):  # type: ignore[arg-type]
            if number == _MOST_OPERATIONS:
                raise pickle.UnpicklingError(f"it has more than {_MOST_OPERATIONS} operations")
            if operation.name == "STOP":
                break
            self._run(operation.name, argument)
        return self._stack.pop()

    def _run(self, name: str, argument: Any) -> None:
        if name in _PUSHED:
            self._stack.append(argument)
        elif name in _CONSTANTS:
            self._stack.append(_CONSTANTS[name]())
        elif name in _TUPLES:
            self._stack[-_TUPLES[name] :] = [tuple(self._stack[-_TUPLES[name] :])]
        else:
            operation = getattr(self, f"_{name.lower()}", None)
            if operation is None:
                raise pickle.UnpicklingError(f"{name} is no operation of a dictionary of tensors")
            operation(argument)

    def _proto(self, _: int) -> None:
        """The version; all have the same operations."""

    _frame = _proto

    def _above_mark(self) -> list[Any]:
        at = len(self._stack) - 1
        while self._stack[at] is not _MARK:
            at -= 1
        above = self._stack[at + 1 :]
        del self._stack[at:]
        return above

    def _tuple(self, _: None) -> None:
        self._stack.append(tuple(self._above_mark()))

    def _append(self, _: None) -> None:
        self._extend([self._stack.pop()])

    def _appends(self, _: None) -> None:
        self._extend(self._above_mark())

    def _extend(self, values: list[Any]) -> None:
        if not isinstance(self._stack[-1], list):
            raise pickle.UnpicklingError("it appends to what is no list")
        self._stack[-1].extend(values)

    def _setitem(self, _: None) -> None:
        value, key = self._stack.pop(), self._stack.pop()
        self._set([key, value])

    def _setitems(self, _: None) -> None:
        self._set(self._above_mark())

    def _set(self, pairs: list[Any]) -> None:
        target, keys = self._stack[-1], pairs[::2]
        if not isinstance(target, dict) or not all(isinstance(key, str | int) for key in keys):
            raise pickle.UnpicklingError("its keys are no names")
        target.update(zip(keys, pairs[1::2], strict=True))

    def _binput(self, index: int) -> None:
        self._memo[index] = self._stack[-1]

    _long_binput = _binput

    def _memoize(self, _: None) -> None:
        self._memo[len(self._memo)] = self._stack[-1]

    def _binget(self, index: int) -> None:
        self._stack.append(self._memo[index])

    _long_binget = _binget

    def _global(self, argument: str) -> None:
        module, _, name = argument.partition(" ")
        self._stack.append(self._find(module, name))

    def _stack_global(self, _: None) -> None:
        name, module = self._stack.pop(), self._stack.pop()
        self._stack.append(self._find(str(module), str(name)))

    def _reduce(self, _: None) -> None:
        arguments, function = self._stack.pop(), self._stack.pop()
        if not isinstance(function, Made) or not isinstance(arguments, tuple):
            raise pickle.UnpicklingError("it calls what is no part of a dictionary of tensors")
        self._stack.append(function.make(*arguments))

    def _build(self, _: None) -> None:
        self._stack.pop()  # attributes, such as the versions of modules that PyTorch keeps with their parameters

    def _binpersid(self, _: None) -> None:
        self._stack.append(self._load(self._stack.pop()))
