"""One stream of the demo in LiveKit: an agent session whose microphone plays the track."""

from __future__ import annotations

import asyncio

from livekit import rtc
from livekit.agents import Agent, AgentSession, UserInputTranscribedEvent, llm
from livekit.agents.voice.io import AudioInput
from livekit.plugins import auricle

from auricle_server.demo.programme import SAMPLE_RATE
from auricle_server.demo.track import CaptionKind, Track


class _Microphone(AudioInput):
    """Yields the track's frames at the speed of speech; `finished` is set after the last one."""

    def __init__(self, track: Track) -> None:
        super().__init__(label="demo")
        self.finished = asyncio.Event()
        self._frames = track.frames()

    async def __anext__(self) -> rtc.AudioFrame:
        try:
            pcm = await anext(self._frames)
        except StopAsyncIteration:
            self.finished.set()
            raise
        return rtc.AudioFrame(pcm, SAMPLE_RATE, num_channels=1, samples_per_channel=len(pcm) // 2)


class _SilentAgent(Agent):
    """An agent that never replies; it reports the moment at which a reply would start."""

    def __init__(self, track: Track) -> None:
        super().__init__(instructions="")
        self._track = track

    async def on_user_turn_completed(self, turn_ctx: llm.ChatContext, new_message: llm.ChatMessage) -> None:  # noqa: ARG002 - the host's hook
        """Reports the end of the user's turn."""
        self._track.report(CaptionKind.TURN_END, new_message.text_content or "")


async def play(track: Track, url: str) -> None:
    """Plays the track through an agent session; a turn ends when the session asks the agent for a reply."""
    session: AgentSession[None] = AgentSession(
        stt=auricle.STT(url=url, turn_detection="server", latency_ms=track.latency_ms),
        vad=None,
        turn_handling={"turn_detection": "stt", "endpointing": {"min_delay": 0.0}},
        aec_warmup_duration=None,
        user_away_timeout=None,
    )

    @session.on("user_input_transcribed")
    def transcribed(event: UserInputTranscribedEvent) -> None:
        track.report(CaptionKind.FINAL if event.is_final else CaptionKind.INTERIM, event.transcript)

    microphone = _Microphone(track)
    await session.start(agent=_SilentAgent(track), record=False)
    session.input.audio = microphone
    await microphone.finished.wait()
    await session.aclose()
