"""espeak-ng in this process, through its C library: audio and the times of its phonemes."""

from __future__ import annotations

import ctypes
import ctypes.util
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

_RETRIEVAL, _PHONEME_EVENTS = 1, 1
_EVENT_END, _EVENT_PHONEME = 0, 7
_RATE, _PITCH, _RANGE = 1, 3, 4
_UTF8 = 1
_IPA, _TIE = 0x02, 0x80


class _Identifier(ctypes.Union):
    _fields_ = (("number", ctypes.c_int), ("name", ctypes.c_char_p), ("string", ctypes.c_char * 8))


class _EspeakEvent(ctypes.Structure):
    """``espeak_EVENT`` of espeak-ng's speak_lib.h."""

    _fields_ = (
        ("type", ctypes.c_int), ("unique_identifier", ctypes.c_uint), ("text_position", ctypes.c_int),
        ("length", ctypes.c_int), ("audio_position", ctypes.c_int), ("sample", ctypes.c_int),
        ("user_data", ctypes.c_void_p), ("id", _Identifier),
    )  # fmt: skip


_Callback = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.POINTER(_EspeakEvent))
Phoneme = tuple[float, str]


class EspeakMissingError(RuntimeError):
    """The espeak-ng library cannot be used on this machine: install the package ``espeak-ng``."""


class Espeak:
    """One espeak-ng engine. The library keeps global state, so a process has one (`engine`)."""

    def __init__(self) -> None:
        name = ctypes.util.find_library("espeak-ng") or "libespeak-ng.so.1"
        try:
            self._lib = ctypes.CDLL(name)
        except OSError as error:
            raise EspeakMissingError("espeak-ng is missing: install it (Debian: apt install espeak-ng)") from error
        self.sample_rate: int = self._lib.espeak_Initialize(_RETRIEVAL, 200, None, _PHONEME_EVENTS)
        if self.sample_rate <= 0:
            raise EspeakMissingError("espeak-ng found no voice data: install the package espeak-ng-data")
        self._pieces: list[NDArray[np.int16]] = []
        self._phonemes: list[Phoneme] = []
        self._callback: Callable[..., Any] = _Callback(self._receive)
        self._lib.espeak_SetSynthCallback(self._callback)
        self._lib.espeak_TextToPhonemes.restype = ctypes.c_char_p

    def _receive(self, samples: Any, count: int, event: Any) -> int:
        index = 0
        while event[index].type != _EVENT_END:
            if event[index].type == _EVENT_PHONEME:
                self._phonemes.append((event[index].audio_position / 1000, event[index].id.string.decode()))
            index += 1
        if samples and count > 0:
            self._pieces.append(np.ctypeslib.as_array(samples, (count,)).copy())
        return 0

    def speak(
        self, voice: str, text: str, rate: int, pitch: int, pitch_range: int
    ) -> tuple[NDArray[np.int16], list[Phoneme]]:
        """Samples at `sample_rate` and (start in seconds, mnemonic) of every phoneme; `rate` is in words per minute."""
        self._choose(voice)
        for parameter, value in ((_RATE, rate), (_PITCH, pitch), (_RANGE, pitch_range)):
            self._lib.espeak_SetParameter(parameter, value, 0)
        self._pieces, self._phonemes = [], []
        data = text.encode() + b"\0"
        self._lib.espeak_Synth(data, ctypes.c_size_t(len(data)), 0, 0, 0, _UTF8, None, None)
        self._lib.espeak_Synchronize()
        audio = np.concatenate(self._pieces) if self._pieces else np.zeros(0, np.int16)
        return audio, list(self._phonemes)

    def phonemes(self, voice: str, text: str) -> str:
        """The text in the IPA as a voice speaks it, with ``^`` between the letters of one phoneme."""
        self._choose(voice)
        rest, clauses = ctypes.c_char_p(text.encode()), []
        while rest.value:
            mode = (ord("^") << 8) | _TIE | _IPA
            clauses.append(self._lib.espeak_TextToPhonemes(ctypes.byref(rest), _UTF8, mode).decode())
        return " ".join(clause for clause in clauses if clause)

    def _choose(self, voice: str) -> None:
        if self._lib.espeak_SetVoiceByName(voice.encode()) != 0:
            raise EspeakMissingError(f"espeak-ng has no voice {voice!r}: a different version or a partial installation")


@cache
def engine() -> Espeak:
    """The engine of this process."""
    return Espeak()
