"""What a fuzzing client sends on one connection, and what a right server answers."""

from __future__ import annotations

import json
import random
from dataclasses import dataclass, field

from auricle.protocol import codes
from auricle.protocol.client_messages import End, Finalize, Start, Update
from auricle.protocol.codec import encode_client
from auricle.protocol.codes import ProtocolViolation
from auricle.protocol.connection import ServerConnection
from auricle.protocol.settings import TurnSettings
from tests.torture.fuzzing.mutations import mutated

_TEXT, _BINARY = 0x81, 0x82
_MOST_MESSAGES = 100
"""A connection that sends more at once is read at a pace."""
TOO_BIG = (1 << 20) + 2
STARTS = tuple(
    encode_client(Start(latency_ms=latency_ms, turn=turn))
    for latency_ms in (None, 80, 560, 560, 1120)
    for turn in (TurnSettings("off"), TurnSettings("silence", 500), TurnSettings("semantic"))
)
REFUSALS_OF_START = frozenset(
    {codes.UNSUPPORTED_LATENCY, codes.UNSUPPORTED_LANGUAGE, codes.INVALID_KEYTERMS, codes.SERVER_FULL}
)
"""What a gateway may answer to a start that is no violation of the protocol by itself."""
BAD_FRAMES = (
    b"\xf1\x80" + bytes(4),  # reserved bits
    b"\x83\x80" + bytes(4),  # an opcode that does not exist
    b"\x89\xfe\x00\x80" + bytes(4 + 128),  # a ping that is longer than a control frame may be
    b"\x09\x80" + bytes(4),  # a fragmented ping
    b"\x80\x80" + bytes(4),  # a continuation of nothing
    b"\x81\xff" + b"\xff" * 8 + bytes(4),  # 2^64 - 1 bytes
    b"\x82\xff" + b"\x00\x00\x00\x01\x00\x00\x00\x00" + bytes(4),  # 4 GiB
)
_FRAME_CODES = frozenset({codes.UNKNOWN_MESSAGE, codes.MESSAGE_TOO_BIG, codes.BAD_JSON})


@dataclass
class Conversation:
    """One connection.

    Attributes:
        start: Frame of the first message.
        rest: Frames of the others, sent after the answer to the first.
        expected: Codes of the fatal error with which a right server may end it; empty where it ends well.
        finalizes: How many are sent before the end.
        messages: How many messages it has.
    """

    start: bytes = b""
    rest: list[bytes] = field(default_factory=list)
    expected: frozenset[str] = frozenset()
    finalizes: int = 0
    messages: int = 0


class ConversationWriter:
    """Makes conversations from valid messages and their mutations.

    Args:
        corpus: Texts of valid client messages of all types.
        rng: Decides.
    """

    def __init__(self, corpus: list[str], rng: random.Random) -> None:
        self._rng = rng
        by_type: dict[str, list[str]] = {kind.TYPE: [] for kind in (Start, Update, Finalize, End)}
        for text in corpus:
            by_type[json.loads(text)["type"]].append(text)
        self._corpus = corpus
        self._changes = by_type[Update.TYPE] + by_type[Finalize.TYPE]

    def write(self) -> Conversation:
        """A random conversation, up to the first message that a right server refuses, or to its end."""
        made, judge = Conversation(), ServerConnection()
        for number in range(self._rng.randint(2, _MOST_MESSAGES)):
            opcode, payload = (_TEXT, self._first()) if number == 0 else self._next()
            if opcode is None:
                made.expected = _FRAME_CODES
                made.rest.append(payload)
                made.messages += 1
                return made
            made.expected = verdict(judge, opcode, payload)
            made.messages += 1
            data = frame(opcode, payload)
            if number == 0:
                made.start = data
            else:
                made.rest.append(data)
            if made.expected or judge.ended:
                return made
            made.finalizes += opcode == _TEXT and json.loads(payload)["type"] == Finalize.TYPE
        made.rest.append(frame(_TEXT, encode_client(End()).encode()))
        made.messages += 1
        return made

    def _first(self) -> bytes:
        rng = self._rng
        text = rng.choice(STARTS) if rng.random() < 0.9 else rng.choice(self._corpus)
        return _utf8(mutated(text, rng) if rng.random() < 0.1 else text)

    def _next(self) -> tuple[int | None, bytes]:
        """Opcode and payload of a message; the opcode is None for bytes that are no right frame."""
        (make,) = self._rng.choices(_KINDS, _WEIGHTS)
        return make(self)

    def _audio(self) -> tuple[int | None, bytes]:
        return _BINARY, self._rng.randbytes(2 * self._rng.choice((0, 1, 80, 640, 2560)))

    def _change(self) -> tuple[int | None, bytes]:
        return _TEXT, _utf8(self._rng.choice(self._changes))

    def _mutation(self) -> tuple[int | None, bytes]:
        return _TEXT, _utf8(mutated(self._rng.choice(self._corpus), self._rng))

    def _half_a_sample(self) -> tuple[int | None, bytes]:
        return _BINARY, bytes(self._rng.choice((1, 641, 3)))

    def _too_big(self) -> tuple[int | None, bytes]:
        return self._rng.choice((_TEXT, _BINARY)), bytes(TOO_BIG)

    def _noise(self) -> tuple[int | None, bytes]:
        return _TEXT, self._rng.randbytes(self._rng.randrange(200))

    def _bad_frame(self) -> tuple[int | None, bytes]:
        return None, self._rng.choice(BAD_FRAMES)


_KINDS = (
    ConversationWriter._audio,
    ConversationWriter._change,
    ConversationWriter._mutation,
    ConversationWriter._half_a_sample,
    ConversationWriter._too_big,
    ConversationWriter._noise,
    ConversationWriter._bad_frame,
)
_WEIGHTS = (250, 700, 40, 3, 0.5, 3.5, 3)


def verdict(judge: ServerConnection, opcode: int, payload: bytes) -> frozenset[str]:
    """The codes of the fatal errors that a right server may answer; empty where it goes on."""
    try:
        if opcode == _BINARY:
            judge.receive_audio(payload)
        else:
            judge.receive_text(payload.decode())
    except UnicodeDecodeError:
        return frozenset({codes.BAD_JSON})
    except ProtocolViolation as violation:
        return frozenset({violation.code})
    return frozenset()


def frame(opcode: int, payload: bytes) -> bytes:
    """One masked frame of any length; the mask changes nothing (RFC 6455, section 5.2)."""
    size = len(payload)
    if size < 126:
        head = bytes((opcode, 0x80 | size))
    elif size < 1 << 16:
        head = bytes((opcode, 0xFE)) + size.to_bytes(2, "big")
    else:
        head = bytes((opcode, 0xFF)) + size.to_bytes(8, "big")
    return head + bytes(4) + payload


def _utf8(text: str) -> bytes:
    """Halves of surrogate pairs become what no UTF-8 is."""
    return text.encode(errors="surrogatepass")
