"""Requests with recordings, as bytes: right ones, and ones that are wrong in every layer from HTTP to the samples."""

from __future__ import annotations

import gzip
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from urllib.parse import quote

from tests.torture.dialects.conversations import containers
from tests.torture.dialects.upload_parts import (
    BOUNDARY,
    FORM_TYPE,
    FORM_TYPES,
    HEADERS,
    NAMES,
    QUERY,
    VALUES,
    field,
    file,
    form,
    request,
    wave,
)
from tests.torture.phrases import Phrase

FORMS, BODIES = "/v1/audio/transcriptions", "/v1/listen"
_JSON, _TEXT, _EVENTS = "json", "text", "text/event-stream"


@dataclass(frozen=True, slots=True)
class UploadRequest:
    """One request.

    Attributes:
        sent: Its bytes.
        said: Words of the recording of a right request; None for a wrong one.
        answer: How the answer to a right one is written.
        cut_after: Bytes after which its client goes; None for one that waits.
        complete: Whether it ends as its header says, so that an answer is due.
        slow: Whether its client sends it in pieces and reads the answer slowly.
    """

    sent: bytes
    said: str | None = None
    answer: str = _JSON
    cut_after: int | None = None
    complete: bool = True
    slow: bool = False


class UploadWriter:
    """Makes requests.

    Args:
        talk: What right recordings hold.
        rng: Decides.
    """

    def __init__(self, talk: Iterator[Phrase], rng: random.Random) -> None:
        self._talk = talk
        self._rng = rng

    def write(self) -> UploadRequest:
        """A random request; every fourth one is right."""
        rng = self._rng
        if rng.random() < 0.25:
            return rng.choice((self._right_form, self._right_body))()
        (make,) = rng.choices(_WRONG, _WEIGHTS)
        sent, complete = make(self)
        cut_after = rng.randrange(len(sent)) if rng.random() < 0.15 else None
        return UploadRequest(sent, cut_after=cut_after, complete=complete, slow=rng.random() < 0.1)

    # --- right requests ----------------------------------------------------------------------------------------------

    def _right_form(self) -> UploadRequest:
        rng, phrase = self._rng, next(self._talk)
        response_format = rng.choice(("json", "text", "verbose_json"))
        fields = [file(wave(phrase.audio)), field("response_format", response_format), field("model", "whisper-1")]
        events = response_format == "json" and rng.random() < 0.5
        fields += [field("stream", "true")] if events else []
        fields += [field("keywords[]", "") for _ in range(rng.choice((0, 1, 900)))]
        fields += [field("temperature", "\ud7ff" * rng.choice((0, 1, 30_000)))]
        rng.shuffle(fields)
        body = form(fields, preamble=rng.choice((b"", b"a preamble\r\n")), epilogue=rng.choice((b"", b"\r\nthe end")))
        sent = self._transported(FORMS, body, FORM_TYPE)
        answer = _EVENTS if events else _TEXT if response_format == "text" else _JSON
        return UploadRequest(sent, phrase.text, answer, slow=rng.random() < 0.3)

    def _right_body(self) -> UploadRequest:
        phrase = next(self._talk)
        sent = self._transported(f"{BODIES}?model=nova-3", wave(phrase.audio), b"audio/wav")
        return UploadRequest(sent, phrase.text, slow=self._rng.random() < 0.3)

    def _transported(self, path: str, body: bytes, content_type: bytes) -> bytes:
        """A right request, by one of the ways in which HTTP brings a body."""
        if self._rng.random() < 0.5:
            return request(path, body, content_type)
        pieces = [body[at : at + 7001] for at in range(0, len(body), 7001)]
        chunked = b"".join(b"%x;ext=1\r\n%b\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"
        return request(path, chunked, content_type, {b"Transfer-Encoding": b"chunked", b"Content-Length": None})

    # --- wrong requests ----------------------------------------------------------------------------------------------

    def _wrong_fields(self) -> tuple[bytes, bool]:
        rng = self._rng
        fields = [file(wave(bytes(32_000)))]
        fields += [field(rng.choice(NAMES), rng.choice(VALUES)) for _ in range(rng.randrange(1, 6))]
        return request(FORMS, form(fields), FORM_TYPE), True

    def _wrong_query(self) -> tuple[bytes, bool]:
        rng = self._rng
        query = "&".join(f"{quote(rng.choice(QUERY))}={quote(rng.choice(VALUES)[:2000])}" for _ in range(4))
        path = rng.choice((FORMS, BODIES, BODIES, "/v1/audio/translations"))
        body, kind = (form([file(wave(bytes(32_000)))]), FORM_TYPE) if path == FORMS else (bytes(3_200), b"")
        return request(f"{path}?{query}", body, kind), True

    def _wrong_recording(self) -> tuple[bytes, bool]:
        rng = self._rng
        data = bytearray(rng.choice((*containers(), wave(bytes(64_000)), rng.randbytes(9_000), b"", b"hello")))
        for _ in range(rng.randrange(12) if data else 0):
            # Most faults that matter are in headers.
            data[rng.randrange(min(len(data), rng.choice((64, len(data)))))] = rng.randrange(256)
        recording = bytes(data[: rng.randrange(len(data) + 1)] if rng.random() < 0.4 else data)
        if rng.random() < 0.5:
            return request(FORMS, form([file(recording)]), FORM_TYPE), True
        queries = ("", "?multichannel=true", "?encoding=mulaw&channels=2&sample_rate=8000", "?encoding=linear16")
        return request(
            BODIES + rng.choice(queries), recording, rng.choice((b"audio/wav", b"", b"application/json"))
        ), True

    def _wrong_part(self) -> tuple[bytes, bool]:
        rng = self._rng
        fields = [file(wave(bytes(16_000)))]
        for _ in range(rng.randrange(1, 4)):
            headers = b"\r\n".join(rng.sample(HEADERS, rng.randrange(0, 4)))
            fields.append((headers, rng.choice((b"", b"x", rng.randbytes(300), b"=4", gzip.compress(bytes(9_000))))))
        if rng.random() < 0.3:
            fields[0] = (fields[0][0] + b"\r\n" + rng.choice(HEADERS), fields[0][1])
        rng.shuffle(fields)
        return request(FORMS, form(fields), FORM_TYPE), True

    def _wrong_form(self) -> tuple[bytes, bool]:
        rng = self._rng
        body = form([file(wave(bytes(16_000))), field("model", "x"), field("language", "en")])
        kind = rng.choice(FORM_TYPES) if rng.random() < 0.4 else FORM_TYPE
        for _ in range(rng.randrange(4)):
            at = rng.choice(
                (rng.randrange(len(body)), body.find(BOUNDARY, rng.randrange(len(body))) + rng.randrange(30))
            )
            body = rng.choice(_EDITS)(body, max(0, at), rng)
        return request(FORMS, body, kind), True

    def _endless_form(self) -> tuple[bytes, bool]:
        """A form whose header, field, preamble or fields do not end."""
        rng = self._rng
        start = b"--" + BOUNDARY + b"\r\n"
        endless = rng.choice((
            start + b"X-Endless: " + b"a" * 2_000_000,
            start + b"X-Many: a\r\n" * 200_000,
            start + b'Content-Disposition: form-data; name="prompt"\r\n\r\n' + b"word " * 400_000,
            b"a preamble\r\n" * 200_000,
            (start + b'Content-Disposition: form-data; name="k"\r\n\r\nv\r\n') * 20_000,
            (start + b"\r\n\r\n") * 100_000,
        ))  # fmt: skip
        return request(FORMS, endless, FORM_TYPE), True

    def _wrong_length(self) -> tuple[bytes, bool]:
        rng = self._rng
        body = form([file(wave(bytes(16_000)))])
        length = rng.choice((b"0", b"10", b"%d" % (len(body) // 2), b"%d" % (len(body) + 9_000), b"99999999999999"))
        length = rng.choice((length, b"-1", b"x", b"", b"1e5", b"9" * 400, b"+5"))
        return request(FORMS, body, FORM_TYPE, {b"Content-Length": length}), False

    def _wrong_chunks(self) -> tuple[bytes, bool]:
        rng = self._rng
        body = rng.choice(
            (b"zz\r\nabc\r\n", b"-5\r\nabc\r\n", b"ffffffffffffffffffff\r\n", b"5\r\nabc", b"3\r\nabcdef", b"0\r\nX: ")
        )
        headers: dict[bytes, bytes | None] = {b"Transfer-Encoding": rng.choice((b"chunked", b"chunked, gzip", b"x"))}
        if rng.random() < 0.7:
            headers[b"Content-Length"] = None
        return request(rng.choice((FORMS, BODIES)), body, rng.choice((FORM_TYPE, b"audio/wav")), headers), False

    def _wrong_coding(self) -> tuple[bytes, bool]:
        rng = self._rng
        body = rng.choice(
            (gzip.compress(wave(bytes(64_000))), gzip.compress(bytes(20_000_000)), rng.randbytes(5_000), b"")
        )
        coding = rng.choice((b"gzip", b"deflate", b"br", b"zstd", b"identity", b"gzip, gzip", b"\x80"))
        return request(BODIES, body, b"audio/wav", {b"Content-Encoding": coding}), True

    def _question(self) -> tuple[bytes, bool]:
        rng = self._rng
        method = rng.choice((b"GET", b"POST", b"PUT", b"DELETE", b"PATCH", b"OPTIONS", b"HEAD", b"BREW"))
        path = rng.choice(
            (
                "/v1/models",
                "/v1/models/",
                "/v1/models/x/y",
                "/v1/models/%00",
                "/v1/models/" + "m" * 7_000,
                FORMS,
                BODIES,
            )
        )
        return request(path, b"", b"", method=method), True

    def _expecting(self) -> tuple[bytes, bool]:
        rng = self._rng
        expected = rng.choice((b"100-continue", b"100-Continue", b"200-ok", b""))
        return request(FORMS, form([file(wave(bytes(16_000)))]), FORM_TYPE, {b"Expect": expected}), True


_WRONG: tuple[Callable[[UploadWriter], tuple[bytes, bool]], ...] = (
    UploadWriter._wrong_fields,
    UploadWriter._wrong_query,
    UploadWriter._wrong_recording,
    UploadWriter._wrong_part,
    UploadWriter._wrong_form,
    UploadWriter._endless_form,
    UploadWriter._wrong_length,
    UploadWriter._wrong_chunks,
    UploadWriter._wrong_coding,
    UploadWriter._question,
    UploadWriter._expecting,
)
_WEIGHTS = (20, 15, 25, 25, 25, 3, 6, 5, 5, 8, 3)
_EDITS: tuple[Callable[[bytes, int, random.Random], bytes], ...] = (
    lambda body, at, rng: body[:at] + body[at + rng.randrange(1, 40) :],
    lambda body, at, rng: body[:at] + rng.randbytes(rng.randrange(1, 9)) + body[at:],
    lambda body, at, _: body[:at] + b"\r\n--" + BOUNDARY + b"\r\n" + body[at:],
    lambda body, at, _: body[:at] + b"\r\n--" + BOUNDARY + b"--" + body[at:],
    lambda body, at, _: body[:at],
    lambda body, *_: body.replace(b"\r\n", b"\n"),
    lambda body, *_: body.replace(b"\r\n", b"\r"),
    lambda body, *_: body + body,
)
