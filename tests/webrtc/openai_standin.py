"""As much of an OpenAI-compatible API as an assistant needs: a model with one answer, and espeak-ng for a voice."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web

from tests.webrtc.clips import spoken

VOICE_RATE = 24_000  # of raw PCM in OpenAI's API


class OpenAIStandIn:
    """A server that remembers what it was asked.

    Args:
        reply: What the model always says.

    Attributes:
        chats: The requests to the model.
        speeches: The requests to the voice.
        url: The API's base URL.
    """

    def __init__(self, reply: str) -> None:
        self.chats: list[dict[str, Any]] = []
        self.speeches: list[dict[str, Any]] = []
        self.url = ""
        self._reply = reply

    async def chat(self, request: web.Request) -> web.StreamResponse:
        """Streams the reply, word by word."""
        self.chats.append(await request.json())
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        for word in self._reply.split():
            await response.write(_piece({"role": "assistant", "content": word + " "}))
        await response.write(_piece({}, finish="stop") + b"data: [DONE]\n\n")
        return response

    async def speech(self, request: web.Request) -> web.Response:
        """Speaks."""
        self.speeches.append(await request.json())
        pcm = await spoken(self.speeches[-1]["input"], VOICE_RATE)
        return web.Response(body=pcm.tobytes(), content_type="audio/pcm")


def _piece(delta: dict[str, str], finish: str | None = None) -> bytes:
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    piece = {"id": "1", "object": "chat.completion.chunk", "created": 0, "model": "stand-in", "choices": [choice]}
    return f"data: {json.dumps(piece)}\n\n".encode()


@asynccontextmanager
async def openai_standin(reply: str) -> AsyncIterator[OpenAIStandIn]:
    """Runs a stand-in on the loopback."""
    standin = OpenAIStandIn(reply)
    app = web.Application()
    app.router.add_post("/v1/chat/completions", standin.chat)
    app.router.add_post("/v1/audio/speech", standin.speech)
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        host, port = runner.addresses[0][:2]
        standin.url = f"http://{host}:{port}/v1"
        yield standin
    finally:
        await runner.cleanup()
