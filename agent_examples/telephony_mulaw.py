"""Captions of phone calls: the 8 kHz mu-law of a telephone network goes to Auricle as it is, and words come back.

Run it as it is: it starts an Auricle server and calls itself with a recording, without a phone or an account:

    pip install ".[server]"
    python agent_examples/telephony_mulaw.py --file                  # or --file my_recording.wav

Run it for real, beside ``auricle serve``, for a provider that speaks the JSON of Twilio's Media Streams: have the
number's webhook answer <Response><Connect><Stream url="wss://your.host/call"/></Connect></Response>, and what
terminates TLS there pass it on to ``python agent_examples/telephony_mulaw.py --port 8080``.

This is the client alone, which takes mu-law at 8 kHz: nothing is decoded or resampled on the way. In a Pipecat bot its
TwilioFrameSerializer stands in this place, and turns the audio into PCM before AuricleSTTService sees it.
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
HEARING = auricle.Start(encoding="mulaw", sample_rate=RATE, turn=auricle.TurnSettings(silence_ms=500))


async def call(url: str, request: web.Request) -> web.WebSocketResponse:
    """One call, from "connected" to "stop"; a call that Auricle cannot take is hung up."""
    await (phone := web.WebSocketResponse()).prepare(request)
    try:
        async with auricle.connect(url, start=HEARING) as stream, asyncio.TaskGroup() as tasks:
            tasks.create_task(show(stream))
            await hear(phone, stream)
            await stream.end()
    except* auricle.AuricleError as group:
        print(f"The call is lost: {group.exceptions[0]}")
    return phone


async def hear(phone: web.WebSocketResponse, stream: auricle.Stream) -> None:
    """Passes the caller's voice on until somebody hangs up."""
    async for message in phone:
        match json.loads(message.data):
            case {"event": "start", "start": {"mediaFormat": form}}:
                print(f"A call, in {form}.")
            case {"event": "media", "media": {"payload": payload, "track": "inbound"}}:
                await stream.send(base64.b64decode(payload))
            case {"event": "stop"}:
                break


async def show(stream: auricle.Stream) -> None:
    """Prints what is said; an agent would begin to answer where a turn ends."""
    async for event in stream:
        match event:
            case auricle.Interim(text=text):
                print(f"\r\033[K  {text}", end="", flush=True)
            case auricle.Final(text=text) if text:
                print(f"\r\033[K> {text}")
            case auricle.TurnEnd(speech_end=end, audio_time=now):
                print(f"  (the turn has ended, {now - end:.2f} s after the last word)")
    print("The call is over.")


async def serve(url: str, host: str, port: int) -> web.AppRunner:
    """Waits for calls, whose words come from the Auricle server at `url`."""
    app = web.Application()
    app.router.add_get("/call", partial(call, url))
    await (runner := web.AppRunner(app)).setup()
    await web.TCPSite(runner, host, port).start()
    return runner


async def dial(url: str, path: str) -> None:
    """Calls as a provider does, with a recording at the speed of speech, and waits until the other side is done."""
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
    """Takes calls until it is stopped; or one of its own, heard by a server of its own."""
    if options.file is None:
        await serve(options.url, "0.0.0.0", options.port)  # noqa: S104  # a provider calls from outside
        await asyncio.Event().wait()
    async with serve_locally() as url:
        phones = await serve(url, "127.0.0.1", 0)
        await dial(f"ws://127.0.0.1:{phones.addresses[0][1]}/call", options.file)
        await phones.cleanup()


if __name__ == "__main__":
    words = argparse.ArgumentParser()
    words.add_argument("--file", nargs="?", const=BUNDLED, help="call ourselves, with this recording")
    words.add_argument("--port", type=int, default=8080, help="where to wait for calls")
    words.add_argument("--url", default="ws://127.0.0.1:8765", help="address of the Auricle server")
    asyncio.run(run(words.parse_args()))
