"""Captions in LiveKit: prints what is said, and where an agent would answer.

Run it without arguments, a room, an account or a key: it starts an Auricle server in this process and transcribes a
bundled recording, or yours:

    pip install ".[server,livekit]"
    python agent_examples/livekit_captions.py
    python agent_examples/livekit_captions.py my_recording.wav

With your own microphone, or in the rooms of a LiveKit server (LIVEKIT_URL, LIVEKIT_API_KEY and LIVEKIT_API_SECRET), it
uses the server of ``auricle serve``, or the one that AURICLE_URL names. With AURICLE_TURNS=semantic, the words and the
sound end a turn, not only silence:

    python agent_examples/livekit_captions.py console
    python agent_examples/livekit_captions.py dev
"""

from __future__ import annotations

import asyncio
import sys
import time
from importlib.resources import as_file, files
from os import environ
from pathlib import Path

import soundfile
from livekit import rtc
from livekit.agents import Agent, AgentServer, AgentSession, JobContext, UserInputTranscribedEvent, cli, llm
from livekit.agents.voice.io import AudioInput
from livekit.agents.voice.room_io import AudioInputOptions, RoomOptions
from livekit.plugins import auricle

TURNS: auricle.TurnMode = "semantic" if environ.get("AURICLE_TURNS") == "semantic" else "silence"
FRAME_SECONDS, TRAILING_SECONDS = 0.02, 1.0


class Captioner(Agent):
    """Prints what is said. It has no LLM; an agent with one would answer where a turn is printed."""

    def __init__(self, url: str | None = None) -> None:
        # The server detects the ends of turns, so the session needs no VAD and adds no delay of its own.
        super().__init__(instructions="", stt=auricle.STT(url=url, turn_detection="server", turn_mode=TURNS))
        self.quiet = asyncio.Event()
        self.quiet.set()

    def show(self, event: UserInputTranscribedEvent) -> None:
        """Shows the text of the turn so far."""
        if event.transcript:
            self.quiet.clear()
            print(f"\r\033[K  {event.transcript}", end="", flush=True)

    async def on_user_turn_completed(self, turn_ctx: llm.ChatContext, new_message: llm.ChatMessage) -> None:  # noqa: ARG002
        """Prints the turn that has ended, and how long after the last word the session got it."""
        delay = new_message.metrics.get("end_of_turn_delay", 0.0)
        print(f"\r\033[K> {new_message.text_content}   [{delay:.2f} s after the last word]")
        self.quiet.set()


def new_session(agent: Captioner) -> AgentSession[None]:
    """A session in which the server detects turns."""
    session: AgentSession[None] = AgentSession(
        vad=None, turn_handling={"turn_detection": "stt", "endpointing": {"min_delay": 0.0}}
    )
    session.on("user_input_transcribed", agent.show)
    return session


server = AgentServer()


@server.rtc_session()
async def enter_room(ctx: JobContext) -> None:
    """Joins a room and transcribes the first participant."""
    agent = Captioner()
    options = RoomOptions(audio_input=AudioInputOptions(sample_rate=16_000, frame_size_ms=20), audio_output=False)
    await new_session(agent).start(agent=agent, room=ctx.room, room_options=options)


class Recording(AudioInput):
    """Plays a file at the speed of speech, then silence; sets `finished` a second after its end."""

    def __init__(self, path: Path) -> None:
        super().__init__(label=path.name)
        self.samples, self.rate = soundfile.read(path, dtype="int16", always_2d=True)
        self.position, self.began, self.finished = 0, time.monotonic(), asyncio.Event()

    async def __anext__(self) -> rtc.AudioFrame:
        size = round(self.rate * FRAME_SECONDS)
        pcm = self.samples[self.position : self.position + size, 0].tobytes().ljust(2 * size, b"\0")
        self.position += size
        await asyncio.sleep(self.began + self.position / self.rate - time.monotonic())
        if self.position > len(self.samples) + TRAILING_SECONDS * self.rate:
            self.finished.set()
        return rtc.AudioFrame(pcm, self.rate, num_channels=1, samples_per_channel=size)


async def transcribe(path: Path) -> None:
    """Transcribes a recording with a server in this process."""
    from auricle_server.serving.in_process_server import serve_locally

    async with serve_locally() as url:
        agent = Captioner(url)
        session = new_session(agent)
        await session.start(agent=agent, record=False)
        session.input.audio = recording = Recording(path)
        await recording.finished.wait()
        await agent.quiet.wait()
        await session.aclose()


if __name__ == "__main__":
    if sys.argv[1:2] in (["console"], ["dev"], ["start"]):
        cli.run_app(server)
    elif sys.argv[1:]:
        asyncio.run(transcribe(Path(sys.argv[1])))
    else:
        with as_file(files("auricle_server") / "demo" / "audio" / "clip_01.wav") as bundled:
            asyncio.run(transcribe(bundled))
