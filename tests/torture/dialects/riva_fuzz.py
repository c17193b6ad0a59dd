"""Fuzzed calls over gRPC: right ones lose no word, wrong ones get a status, and noise at the port harms no one."""

from __future__ import annotations

import asyncio
import importlib.util
import random
from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import Any

from tests.torture.calls import difference
from tests.torture.dialects.upload_parts import wave
from tests.torture.phrases import Phrase, phrases
from tests.torture.plan import Target
from tests.torture.result import TrialResult
from tests.torture.trials.pacing import spread

_TOGETHER = 6
_CALL_SECONDS = 60
_SERVICE = "/nvidia.riva.asr.RivaSpeechRecognition"
_PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
_SETTINGS = b"\x00\x00\x00\x04\x00\x00\x00\x00\x00"
_FLOOD, _FLOOD_SECONDS = 3_000, 8.0


async def riva_fuzz(target: Target) -> TrialResult:
    """`target.amount` calls and connections."""
    result = TrialResult("fuzzed Riva", f"{target.amount} calls of Riva's, right ones, broken ones and noise")
    if not target.riva or importlib.util.find_spec("grpc") is None:
        result.skipped = "the extra riva is not installed"
        return result
    import grpc

    options = [("grpc.use_local_subchannel_pool", 1), ("grpc.max_send_message_length", -1)]
    async with grpc.aio.insecure_channel(target.riva, options) as channel:
        caller = _Caller(channel, target, result)
        await spread(target.amount, target.seconds, _TOGETHER, caller.call)
    return result


class _Caller:
    """Makes calls.

    Args:
        channel: To the server.
        target: What is attacked.
        result: Takes what comes of it.
    """

    def __init__(self, channel: Any, target: Target, result: TrialResult) -> None:
        self._channel, self._target, self._result = channel, target, result
        self._rng = random.Random(target.seed)
        self._talk: Iterator[Phrase] = phrases(target.seed)

    async def call(self, number: int) -> None:
        """One call or connection."""
        make = self._rng.choices(
            (
                self._right_stream,
                self._right_recording,
                self._wrong_stream,
                self._wrong_unary,
                self._noise,
                self._flood,
            ),
            (20, 8, 40, 20, 15, 1),
        )[0]
        self._result.counts[make.__name__.strip("_").replace("_", " ")] += 1
        await make(number)

    # --- right calls -------------------------------------------------------------------------------------------------

    async def _right_stream(self, number: int) -> None:
        phrase, rng = next(self._talk), self._rng
        requests = [_first(), *_pieces(phrase.audio, rng), *([_force_end()] if rng.random() < 0.5 else [])]
        # Empty requests and fields that this server does not know change nothing.
        for _ in range(3):
            requests.insert(rng.randrange(1, len(requests)), rng.choice((b"", b"\xf2\x06\x03abc", b"\x12\x00")))
        code, responses, _ = await self._stream(requests)
        finals = [each for response in responses for each in response.results if each.is_final]
        self._judge(number, phrase, code, [each.alternatives[0].transcript for each in finals])

    async def _right_recording(self, number: int) -> None:
        from tests.support.servers.riva import config

        phrase, messages = next(self._talk), _messages()
        request = messages.RecognizeRequest(config=config(), audio=wave(phrase.audio))
        code, answer, _ = await self._unary("Recognize", request.SerializeToString())
        texts = [] if answer is None else messages.RecognizeResponse.FromString(answer).results
        self._judge(number, phrase, code, [each.alternatives[0].transcript for each in texts])

    def _judge(self, number: int, phrase: Phrase, code: str, texts: Iterable[str]) -> None:
        said, heard = phrase.text.split(), " ".join(texts).split()
        lost, added = difference(said, heard)
        self._result.counts["words"] += len(said)
        self._result.lost += len(lost)
        self._result.added += len(added)
        self._result.check((code, heard) == ("OK", said), f"call {number}: {code}, heard {heard} of {said}")

    # --- wrong calls -------------------------------------------------------------------------------------------------

    async def _wrong_stream(self, number: int) -> None:
        rng = self._rng
        requests = [_first() if rng.random() < 0.7 else self._broken(_first())]
        for _ in range(rng.randrange(12)):
            audio = _pieces(rng.randbytes(rng.choice((0, 1, 640, 6401, 40_000))), rng)
            requests += rng.choice((audio, [_first()], [_force_end()], [self._broken(_first())], [rng.randbytes(50)]))
        if rng.random() < 0.1:
            requests.append(_audio(bytes(2_000_000)))
        rng.shuffle(requests) if rng.random() < 0.2 else None
        cancel = rng.random() < 0.2
        code, _, details = await self._stream(requests, cancel=cancel, ends=rng.random() < 0.9)
        self._check(number, code, details)

    async def _wrong_unary(self, number: int) -> None:
        from tests.support.servers.riva import config

        rng = self._rng
        data = rng.choice(
            (rng.randbytes(5_000), wave(bytes(9_000))[: rng.randrange(60)], b"", b"RIFF", b"fLaC" + bytes(90))
        )
        fields: dict[str, object] = {
            "encoding": rng.choice((0, 1, 2, 3, 4, 20, 99, -1)),
            "audio_channel_count": rng.choice((0, 1, 2, 9, -1)),
        }
        fields |= {"sample_rate_hertz": rng.choice((0, 8_000, 16_000, 1, -5, 2**31 - 1))}
        fields |= {"language_code": rng.choice(("en-US", "", "xx", "e" * 3_000, "\x00"))}
        request = _messages().RecognizeRequest(config=config(**fields), audio=data).SerializeToString()
        methods = ("Recognize", "Recognize", "GetRivaSpeechRecognitionConfig", "NoSuchMethod")
        code, _, details = await self._unary(
            rng.choice(methods), self._broken(request) if rng.random() < 0.5 else request
        )
        self._check(number, code, details)

    def _broken(self, message: bytes) -> bytes:
        rng = self._rng
        data = bytearray(message)
        for _ in range(rng.randrange(1, 4)):
            at = rng.randrange(len(data) + 1)
            kind = rng.randrange(4)
            if kind == 0 and data:
                data[at % len(data)] = rng.randrange(256)
            elif kind == 1:
                data[at:at] = rng.randbytes(rng.randrange(1, 9))
            elif kind == 2:
                del data[at : at + rng.randrange(1, 9)]
            else:
                data = data * 2
        return bytes(data)

    async def _noise(self, _: int) -> None:
        """A connection of bytes that are no gRPC: HTTP/2 cut short or broken, HTTP/1, TLS, noise."""
        rng, (host, _colon, port) = self._rng, self._target.riva.rpartition(":")
        frames = b"".join(
            rng.randrange(1 << rng.choice((4, 14, 24))).to_bytes(3, "big")
            + rng.randbytes(6)
            + rng.randbytes(rng.randrange(99))
            for _ in range(rng.randrange(9))
        )
        starts = (
            _PREFACE + _SETTINGS + frames,
            _PREFACE[:9],
            _PREFACE,
            frames,
            b"GET / HTTP/1.1\r\n\r\n",
            b"\x16\x03\x01" + frames,
        )
        with suppress(OSError):
            reader, writer = await asyncio.open_connection(host, int(port))
            writer.write(rng.choice(starts))
            with suppress(TimeoutError):
                async with asyncio.timeout(rng.choice((0.01, 0.5))):
                    await reader.read()
            writer.transport.abort()

    async def _flood(self, number: int) -> None:
        """A client that asks for answers which it never reads, and goes."""
        call = self._channel.stream_stream(f"{_SERVICE}/StreamingRecognize")(timeout=_CALL_SECONDS)
        with suppress(asyncio.TimeoutError, *_errors()):
            async with asyncio.timeout(_FLOOD_SECONDS):
                await call.write(_first())
                for _ in range(_FLOOD):
                    await call.write(_force_end())
        call.cancel()
        self._result.counts["calls that never read"] += 1
        del number

    def _check(self, number: int, code: str, details: str) -> None:
        self._result.counts[code] += 1
        allowed = {"OK", "INVALID_ARGUMENT", "UNIMPLEMENTED", "CANCELLED", "DEADLINE_EXCEEDED", "RESOURCE_EXHAUSTED"}
        # What gRPC's own client says when it still writes while the server's refusal arrives.
        allowed |= {"INTERNAL"} if details == "Internal error from Core" else set()
        self._result.check(code in allowed, f"call {number} ended with {code}: {details}")

    async def _stream(
        self, requests: list[bytes], *, cancel: bool = False, ends: bool = True
    ) -> tuple[str, list[Any], str]:
        responses: list[Any] = []
        call = self._channel.stream_stream(f"{_SERVICE}/StreamingRecognize")(timeout=_CALL_SECONDS if ends else 2)

        async def receive() -> None:
            parse = _messages().StreamingResponse.FromString
            responses.extend([parse(response) async for response in call])

        receiving = asyncio.create_task(receive())
        with suppress(asyncio.InvalidStateError, *_errors()):
            for request in requests:
                await call.write(request)
            if ends:
                await call.done_writing()
        if cancel:
            call.cancel()
        await asyncio.gather(receiving, return_exceptions=True)
        return (await call.code()).name, responses, str(await call.details())

    async def _unary(self, method: str, request: bytes) -> tuple[str, bytes | None, str]:
        call = self._channel.unary_unary(f"{_SERVICE}/{method}")(request, timeout=_CALL_SECONDS)
        answer = None
        with suppress(asyncio.CancelledError, *_errors()):
            answer = await call
        return (await call.code()).name, answer, str(await call.details())


def _errors() -> tuple[type[Exception], ...]:
    import grpc

    return (grpc.aio.AioRpcError, grpc.aio.UsageError)


def _messages() -> Any:
    from auricle_server.gateway.dialects.riva import messages

    return messages


def _first() -> bytes:
    from tests.support.servers.riva import first

    return bytes(first(interim_results=True, enable_word_time_offsets=True).SerializeToString())


def _audio(data: bytes) -> bytes:
    return bytes(_messages().StreamingRequest(audio_content=data).SerializeToString())


def _pieces(audio: bytes, rng: random.Random) -> list[bytes]:
    size = rng.choice((641, 3_201, 32_000))
    return [_audio(audio[at : at + size]) for at in range(0, len(audio), size)]


def _force_end() -> bytes:
    from tests.support.servers.riva import force_end

    return bytes(force_end().SerializeToString())
