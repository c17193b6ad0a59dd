"""An assistant in LiveKit: Auricle recognises speech, an OpenAI-compatible API answers and speaks.

Start an Auricle server with ``auricle serve``. In another terminal, run the assistant with your own microphone
(``console``), in the rooms of a LiveKit server (``dev``, with LIVEKIT_URL, LIVEKIT_API_KEY and LIVEKIT_API_SECRET), or
with a recording of a question and a file for the answer:

    pip install ".[server,livekit]" livekit-plugins-openai
    OPENAI_API_KEY=... python agent_examples/livekit_assistant.py console
    OPENAI_API_KEY=... python agent_examples/livekit_assistant.py question.wav answer.wav

Environment variables:

    AURICLE_URL, AURICLE_API_KEY        the Auricle server, ws://127.0.0.1:8765 by default, and its key
    AURICLE_TURNS                       what ends a turn: "silence" (the default) or "semantic"
    OPENAI_BASE_URL, OPENAI_API_KEY     the API; TTS_BASE_URL and TTS_API_KEY name another one for the voice
    LLM_MODEL, TTS_MODEL, TTS_VOICE     the models and the voice; LLM_PROMPT: instructions for the language model
"""

from __future__ import annotations

import asyncio
import sys
from os import environ
from typing import Any

import soundfile
from livekit import rtc
from livekit.agents import NOT_GIVEN, Agent, AgentServer, AgentSession, ConversationItemAddedEvent, JobContext, cli
from livekit.agents.llm import ChatMessage
from livekit.agents.voice.io import AudioInput, AudioOutput, AudioOutputCapabilities
from livekit.plugins import auricle, openai

TURNS: auricle.TurnMode = "semantic" if environ.get("AURICLE_TURNS") == "semantic" else "silence"
EAGER: Any = {"silence_ms": 600, "eager_silence_ms": 240, "eager_threshold": 0.3}
PROMPT = environ.get("LLM_PROMPT", "You are a helpful assistant on the phone. Answer in one or two short sentences.")


def new_session() -> AgentSession[None]:
    """A session in which the server detects turns, and the model begins to answer when one has probably ended."""
    session: AgentSession[None] = AgentSession(
        stt=auricle.STT(turn_detection="server", turn_mode=TURNS, **EAGER),  # of AURICLE_URL
        vad=None,
        llm=openai.LLM(model=environ.get("LLM_MODEL", "gpt-4.1-mini")),
        tts=openai.TTS(
            model=environ.get("TTS_MODEL", "gpt-4o-mini-tts"),
            voice=environ.get("TTS_VOICE", "alloy"),
            response_format="pcm",
            base_url=environ.get("TTS_BASE_URL", NOT_GIVEN),
            api_key=environ.get("TTS_API_KEY", NOT_GIVEN),
        ),
        turn_handling={"turn_detection": "stt", "endpointing": {"min_delay": 0.0}},  # the server has waited already
    )
    session.on("conversation_item_added", show)
    return session


def show(event: ConversationItemAddedEvent) -> None:
    """Prints what the user and the assistant said."""
    if isinstance(event.item, ChatMessage):
        print("<" if event.item.role == "assistant" else ">", event.item.text_content, flush=True)


server = AgentServer()


@server.rtc_session()
async def enter_room(ctx: JobContext) -> None:
    """Joins a room and talks with the first participant."""
    await new_session().start(agent=Agent(instructions=PROMPT), room=ctx.room)


class Question(AudioInput):
    """Plays a file at the speed of speech, then silence."""

    def __init__(self, path: str) -> None:
        super().__init__(label=path)
        self.file, self.due = soundfile.SoundFile(path), asyncio.get_running_loop().time()

    async def __anext__(self) -> rtc.AudioFrame:
        self.due += 0.02
        pcm = self.file.read(self.file.samplerate // 50, "int16", always_2d=True, fill_value=0)[:, 0]
        await asyncio.sleep(self.due - asyncio.get_running_loop().time())
        return rtc.AudioFrame(pcm.tobytes(), self.file.samplerate, 1, len(pcm))


class Answer(AudioOutput):
    """Writes the answer to a file as soon as it comes."""

    def __init__(self, path: str) -> None:
        super().__init__(label=path, capabilities=AudioOutputCapabilities(pause=False), sample_rate=24_000)
        self.file, self.begun = soundfile.SoundFile(path, "w", 24_000, 1), 0

    async def capture_frame(self, frame: rtc.AudioFrame) -> None:
        """Writes a frame."""
        await super().capture_frame(frame)
        self.file.buffer_write(bytes(frame.data), "int16")

    def flush(self) -> None:
        """Reports that the whole answer was played."""
        super().flush()
        begun, self.begun = self.begun, self.file.tell()
        self.on_playback_finished(playback_position=(self.begun - begun) / 24_000, interrupted=False)

    def clear_buffer(self) -> None:
        """Does nothing: no audio waits to be played."""


async def converse(question: str, answer: str) -> None:
    """Asks one question and waits for the answer, without a room."""
    session, answered = new_session(), asyncio.Event()
    session.on("conversation_item_added", lambda event: answered.set() if event.item.role == "assistant" else None)
    await session.start(agent=Agent(instructions=PROMPT), record=False)
    session.input.audio, session.output.audio = Question(question), Answer(answer)
    await answered.wait()
    await session.aclose()


if __name__ == "__main__":
    asyncio.run(converse(*sys.argv[1:])) if sys.argv[2:] else cli.run_app(server)
