"""What requests with recordings consist of, right and wrong: headers, fields, values."""

from __future__ import annotations

import struct

BOUNDARY = b"torture-7f3a"
Field = tuple[bytes, bytes]
"""Headers of a part of a form, without the empty line, and its value."""
FORM_TYPE = b"multipart/form-data; boundary=" + BOUNDARY
FORM_TYPES = (
    b"multipart/form-data",
    b"multipart/form-data; boundary=",
    b"multipart/form-data; boundary=" + b"b" * 71,
    b'multipart/form-data; boundary="' + BOUNDARY + b'"',
    b'multipart/form-data; boundary="' + BOUNDARY,
    b"multipart/form-data; boundary=\xff\xfe",
    b"multipart/form-data; charset=none; boundary=" + BOUNDARY,
    b"multipart/mixed; boundary=" + BOUNDARY,
    b"multipart/; boundary=" + BOUNDARY,
    b"Multipart/Form-Data; BOUNDARY=" + BOUNDARY,
    b"application/x-www-form-urlencoded",
    b"/;;=,",
    b"",
)
HEADERS = (
    b'Content-Disposition: form-data; name="prompt"',
    b"Content-Disposition: form-data",
    b"Content-Disposition: form-data; name=",
    b'Content-Disposition: form-data; name="a\\"b',
    b"Content-Disposition: form-data; name*=utf-8''%ff%zz",
    b"Content-Disposition: form-data; name*=none'en'x",
    b"Content-Disposition: form-data; name=file; filename*0*=x''a; filename*1=b",
    b"Content-Disposition: ;;;;====",
    b"Content-Disposition: attachment; name=x; name=y",
    b'Content-Disposition: form-data; name="file"; filename="\xff.wav"',
    b"Content-Type: text/plain; charset=none",
    b"Content-Type: multipart/mixed; boundary=inner",
    b"Content-Type: multipart/mixed",
    b"Content-Type: \x00",
    b"Content-Encoding: gzip",
    b"Content-Encoding: x",
    b"Content-Transfer-Encoding: base64",
    b"Content-Transfer-Encoding: quoted-printable",
    b"Content-Transfer-Encoding: x",
    b"Content-Length: 5",
    b"Content-Length: -5",
    b"Content-Length: 99999999999",
    b"Content-Length: five",
    b"no colon",
    b" folded",
    b": nameless",
    b"X: \x00\x01",
    b"X\xff: y",
    b"X-Long: " + b"a" * 9_000,
    b"X: y\r\n" * 300 + b"X: z",
)  # fmt: skip
NAMES = [
    *"model language languages[] keywords[] prompt temperature response_format timestamp_granularities[]".split(),
    *("include[]", "stream", "numerals", "file", "filename", "chunking_strategy", "", "\x00", "a" * 5_000),
]
VALUES = (
    "", "x", "true", "false", "maybe", "json", "srt", "vtt", "verbose_json", "diarized_json", "word", "segment",
    "logprobs", "en", "xx", "auto", "\x00", "\u00e9" * 9_000, "a, b, c, " * 9_000, "a" * 300_000, "nan", "-1", "{}",
)  # fmt: skip
QUERY = (
    "latency_ms numerals model language encoding sample_rate channels multichannel utt_split keyterm replace x".split()
)


def wave(pcm: bytes) -> bytes:
    """A WAV file of 16 kHz PCM."""
    layout = struct.pack("<HHIIHH", 1, 1, 16_000, 32_000, 2, 16)
    head = struct.pack("<4sI4s4sI", b"RIFF", 36 + len(pcm), b"WAVE", b"fmt ", len(layout))
    return head + layout + struct.pack("<4sI", b"data", len(pcm)) + pcm


def form(fields: list[Field], preamble: bytes = b"", epilogue: bytes = b"") -> bytes:
    """A form as a body."""
    parts = b"".join(b"--%b\r\n%b\r\n\r\n%b\r\n" % (BOUNDARY, headers, value) for headers, value in fields)
    return preamble + parts + b"--" + BOUNDARY + b"--\r\n" + epilogue


def field(name: str, value: str) -> Field:
    return f'Content-Disposition: form-data; name="{name}"'.encode(), value.encode()


def file(recording: bytes) -> Field:
    disposition = b'Content-Disposition: form-data; name="file"; filename="talk.wav"'
    return disposition + b"\r\nContent-Type: audio/wav", recording


def request(
    path: str,
    body: bytes,
    content_type: bytes,
    headers: dict[bytes, bytes | None] | None = None,
    method: bytes = b"POST",
) -> bytes:
    """A request, whose connection is closed after its answer; a header that is None is left out."""
    own: dict[bytes, bytes | None] = {
        b"Host": b"torture",
        b"Content-Length": b"%d" % len(body),
        b"Connection": b"close",
    }
    own |= {b"Content-Type": content_type} if content_type else {}
    lines = [b"%b: %b" % (name, value) for name, value in (own | (headers or {})).items() if value is not None]
    return b"%b %b HTTP/1.1\r\n%b\r\n\r\n" % (method, path.encode(), b"\r\n".join(lines)) + body
