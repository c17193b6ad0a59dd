"""Captions of phone calls: sends the 8 kHz mu-law audio of a telephone network to Auricle, and prints the words.

Run it without a phone or an account: it starts an Auricle server and calls itself with a recording:

    pip install ".[server]"
    python agent_examples/telephony_mulaw.py --file                  # or --file my_recording.wav

For a provider that sends the JSON of Twilio's Media Streams, run it beside ``auricle serve``. Let the number's webhook
answer <Response><Connect><Stream url="wss://your.host/call"/></Connect></Response>, and let the proxy that terminates
TLS there forward it to ``python agent_examples/telephony_mulaw.py --port 8080``.

This uses the client alone. The client sends mu-law at 8 kHz as it is, so nothing is decoded or resampled before the
server. In a Pipecat bot, use its TwilioFrameSerializer, which makes PCM for AuricleSTTService.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import io
import json
from functools import partial
from importlib.resources import files

import aiohttp
import soundfile
import soxr
from aiohttp import web

import auricle
from auricle_server.serving.in_process_server import serve_locally

RATE, PACKET = 8_000, 160  # samples a second, and bytes of mu-law in a message: 20 ms
FORM = {"encoding": "audio/x-mulaw", "sampleRate": RATE, "channels": 1}
BUNDLED = str(files("auricle_server") / "demo/audio/clip_01.wav")
START = auricle.Start(encoding="mulaw", sample_rate=RATE, turn=auricle.TurnSettings(silence_ms=500))


async def call(url: str | None, request: web.Request) -> web.WebSocketResponse:
    """Serves one call, from "connected" to "stop"; ends it when Auricle cannot take the stream."""
    await (phone := web.WebSocketResponse()).prepare(request)
    try:
        async with auricle.connect(url, start=START) as stream, asyncio.TaskGroup() as tasks:
            tasks.create_task(show(stream))
            await forward(phone, stream)
            await stream.end()
    except* auricle.AuricleError as group:
        print(f"The call is lost: {group.exceptions[0]}")
    return phone


async def forward(phone: web.WebSocketResponse, stream: auricle.Stream) -> None:
    """Sends the caller's audio to Auricle until the call ends."""
    async for message in phone:
        match json.loads(message.data):
            case {"event": "start", "start": {"mediaFormat": form}}:
                print(f"A call, in {form}.")
            case {"event": "media", "media": {"payload": payload, "track": "inbound"}}:
                await stream.send(base64.b64decode(payload))
            case {"event": "stop"}:
                break


async def show(stream: auricle.Stream) -> None:
    """Prints what is said; an agent would answer where a turn ends."""
    async for event in stream:
        match event:
            case auricle.Interim(text=text):
                print(f"\r\033[K  {text}", end="", flush=True)
            case auricle.Final(text=text) if text:
                print(f"\r\033[K> {text}")
            case auricle.TurnEnd(speech_end=end, audio_time=now):
                print(f"  (the turn has ended, {now - end:.2f} s after the last word)")
    print("The call is over.")


async def serve(url: str | None, host: str, port: int) -> web.AppRunner:
    """Waits for calls, and transcribes them with the Auricle server at `url`."""
    app = web.Application()
    app.router.add_get("/call", partial(call, url))
    await (runner := web.AppRunner(app)).setup()
    await web.TCPSite(runner, host, port).start()
    return runner


async def dial(url: str, path: str) -> None:
    """Calls as a provider does, with a recording at the speed of speech, and waits until the call is over."""
    pcm, rate = soundfile.read(path, always_2d=True)
    soundfile.write(coded := io.BytesIO(), soxr.resample(pcm[:, 0], rate, RATE), RATE, format="RAW", subtype="ULAW")
    voice, clock = coded.getvalue() + b"\xff" * RATE, asyncio.get_running_loop().time  # a second of silence after it
    async with aiohttp.ClientSession() as http, http.ws_connect(url) as phone:
        await phone.send_json({"event": "connected"})
        await phone.send_json({"event": "start", "start": {"mediaFormat": FORM}})
        began = clock()
        for at in range(0, len(voice), PACKET):
            await asyncio.sleep(began + at / RATE - clock())
            media = {"track": "inbound", "payload": base64.b64encode(voice[at : at + PACKET]).decode()}
            await phone.send_json({"event": "media", "media": media})
        await phone.send_json({"event": "stop"})
        await phone.receive()


async def run(options: argparse.Namespace) -> None:
    """Takes calls until it is stopped; with ``--file``, calls itself, with a server in this process."""
    if options.file is None:
        await serve(options.url, "0.0.0.0", options.port)  # noqa: S104  # a provider calls from outside
        await asyncio.Event().wait()
    async with serve_locally() as url:
        phones = await serve(url, "127.0.0.1", 0)
        await dial(f"ws://127.0.0.1:{phones.addresses[0][1]}/call", options.file)
        await phones.cleanup()


if __name__ == "__main__":
    words = argparse.ArgumentParser()
    words.add_argument("--file", nargs="?", const=BUNDLED, help="call itself with this recording")
    words.add_argument("--port", type=int, default=8080, help="port on which to wait for calls")
    words.add_argument("--url", help="address of the Auricle server (default: AURICLE_URL, ws://127.0.0.1:8765)")
    asyncio.run(run(words.parse_args()))
