"""A parrot in Pipecat: repeats what you say, and stops when you speak.

Recognition, turn detection and voice run on your machine; it needs no key and no account. Start an Auricle server, and
the bot in another terminal:

    apt-get install espeak-ng
    pip install ".[server,pipecat]" "pipecat-ai[runner,webrtc]"
    auricle serve
    python agent_examples/pipecat_parrot.py -t webrtc

Open http://localhost:7860/client, press Connect and say something. (The page loads its microphone code from Daily's
servers, so the browser needs internet access.) ``--silence`` sets the milliseconds of silence that end your turn; with
``--turns semantic`` the words and the sound end it. ``--voice`` sets a voice of espeak-ng; ``--url`` and ``--key`` name
another server.
"""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from typing import Any

from pipecat.frames.frames import (
    Frame,
    LLMContextFrame,
    LLMFullResponseEndFrame,
    LLMFullResponseStartFrame,
    LLMTextFrame,
)
from pipecat.pipeline.pipeline import Pipeline
from pipecat.pipeline.worker import PipelineWorker
from pipecat.processors.aggregators.llm_context import LLMContext
from pipecat.processors.aggregators.llm_response_universal import LLMContextAggregatorPair
from pipecat.processors.frame_processor import FrameDirection, FrameProcessor
from pipecat.runner.types import RunnerArguments
from pipecat.runner.utils import create_transport
from pipecat.services.settings import TTSSettings
from pipecat.services.tts_service import TTSService
from pipecat.transports.base_transport import BaseTransport, TransportParams
from pipecat.workers.runner import WorkerRunner

from pipecat_auricle import AuricleSTTService


class Parrot(FrameProcessor):
    """Takes the place of the language model, and answers each turn with the user's own words."""

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        """Answers a turn, and passes every other frame on."""
        await super().process_frame(frame, direction)
        if not isinstance(frame, LLMContextFrame):
            await self.push_frame(frame, direction)
            return
        message: Any = frame.context.get_messages()[-1]
        await self.push_frame(LLMFullResponseStartFrame())
        await self.push_frame(LLMTextFrame(message["content"]))
        await self.push_frame(LLMFullResponseEndFrame())


class EspeakTTSService(TTSService):
    """Text-to-speech by the espeak-ng program."""

    def __init__(self, voice: str) -> None:
        settings = TTSSettings(model="espeak-ng", voice=voice, language=None)
        super().__init__(push_start_frame=True, push_stop_frames=True, settings=settings)

    async def run_tts(self, text: str, context_id: str) -> AsyncGenerator[Frame | None, None]:
        """Speaks at the pipeline's sample rate."""
        program = ["espeak-ng", "-v", str(self._settings.voice), "--stdin", "--stdout"]
        pipe = asyncio.subprocess.PIPE
        process = await asyncio.create_subprocess_exec(*program, stdin=pipe, stdout=pipe)
        wave, _ = await process.communicate(text.encode())

        async def pieces() -> AsyncIterator[bytes]:
            yield wave

        async for frame in self._stream_audio_frames_from_iterator(
            pieces(), strip_wav_header=True, context_id=context_id
        ):
            yield frame


async def bot(runner_args: RunnerArguments) -> None:
    """Serves one browser; Pipecat's runner calls it."""
    options = runner_args.cli_args or OPTIONS.parse_args([])
    params = TransportParams(audio_in_enabled=True, audio_out_enabled=True)
    transport = await create_transport(runner_args, {"webrtc": lambda: params})
    settings = AuricleSTTService.Settings(turn_mode=options.turns, silence_ms=options.silence)
    stt = AuricleSTTService(url=options.url, api_key=options.key, turn_detection="server", settings=settings)
    context = LLMContextAggregatorPair(LLMContext())
    voice = EspeakTTSService(options.voice)
    source, sink = transport.input(), transport.output()
    pipeline = Pipeline([source, stt, context.user(), Parrot(), voice, sink, context.assistant()])
    worker = PipelineWorker(pipeline, cancel_on_idle_timeout=False)

    async def end_call(_transport: BaseTransport, _client: object) -> None:
        await worker.cancel()

    transport.add_event_handler("on_client_disconnected", end_call)
    runner = WorkerRunner(handle_sigint=runner_args.handle_sigint)
    await runner.add_workers(worker)
    await runner.run()


OPTIONS = argparse.ArgumentParser(description="A parrot that understands speech by Auricle")
OPTIONS.add_argument("--silence", type=int, default=500, help="milliseconds of silence that end a turn")
OPTIONS.add_argument("--turns", choices=["silence", "semantic"], default="silence", help="what ends a turn")
OPTIONS.add_argument("--voice", default="en-us", help="voice of espeak-ng")
OPTIONS.add_argument("--url", help="address of the Auricle server (default: AURICLE_URL, ws://127.0.0.1:8765)")
OPTIONS.add_argument("--key", help="key of the server, if it asks for one (default: AURICLE_API_KEY)")

if __name__ == "__main__":
    from pipecat.runner.run import main

    main(OPTIONS)
