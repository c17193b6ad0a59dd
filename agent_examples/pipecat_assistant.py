"""An assistant in Pipecat: Auricle recognises speech, an OpenAI-compatible API answers and speaks.

The API may be hosted or your own (vLLM, Ollama, Kokoro and others). Start an Auricle server, and the bot in another
terminal:

    pip install ".[server,pipecat]" "pipecat-ai[openai,runner,webrtc]"
    auricle serve
    OPENAI_API_KEY=... python agent_examples/pipecat_assistant.py -t webrtc

Open http://localhost:7860/client and press Connect. (The page loads its microphone code from Daily's servers, so the
browser needs internet access.) Environment variables:

    OPENAI_BASE_URL, OPENAI_API_KEY     the API; OpenAI's own by default
    TTS_BASE_URL, TTS_API_KEY           another API for the voice
    LLM_MODEL, TTS_MODEL, TTS_VOICE     the language model, the speech model, and its voice
    LLM_PROMPT                          instructions for the language model

``--silence`` sets the milliseconds of silence that end your turn. With ``--eager``, a smaller number, the model begins
to answer after that many, and its answer is dropped if you go on: faster answers for more inference. With ``--turns
semantic``, your turn ends when it has probably ended by its words and sound, and the model begins to answer from the
probability ``--eager-at`` on. ``--url`` and ``--key`` name another server.
"""

from __future__ import annotations

import argparse
import os

from pipecat.pipeline.pipeline import Pipeline
from pipecat.pipeline.worker import PipelineParams, PipelineWorker
from pipecat.processors.aggregators.llm_context import LLMContext
from pipecat.processors.aggregators.llm_response_universal import LLMContextAggregatorPair
from pipecat.runner.types import RunnerArguments
from pipecat.runner.utils import create_transport
from pipecat.services.openai.llm import OpenAILLMService
from pipecat.services.openai.tts import OpenAITTSService
from pipecat.transports.base_transport import BaseTransport, TransportParams
from pipecat.workers.runner import WorkerRunner

from pipecat_auricle import AuricleSTTService

PROMPT = "You are a helpful assistant on the phone. Answer in one or two short sentences, without lists or markup."


def new_stt(options: argparse.Namespace) -> AuricleSTTService:
    """Auricle, which also detects the ends of turns."""
    settings = AuricleSTTService.Settings(
        turn_mode=options.turns,
        silence_ms=options.silence,
        eager_silence_ms=options.eager,
        eager_threshold=options.eager_at,
    )
    return AuricleSTTService(url=options.url, api_key=options.key, turn_detection="server", settings=settings)


def new_llm() -> OpenAILLMService:
    """The language model; its client reads OPENAI_BASE_URL and OPENAI_API_KEY."""
    settings = OpenAILLMService.Settings(
        model=os.environ.get("LLM_MODEL", "gpt-4.1-mini"),
        system_instruction=os.environ.get("LLM_PROMPT", PROMPT),
    )
    return OpenAILLMService(settings=settings)


def new_tts() -> OpenAITTSService:
    """The voice, from the same API or another."""
    settings = OpenAITTSService.Settings(
        model=os.environ.get("TTS_MODEL", "gpt-4o-mini-tts"),
        voice=os.environ.get("TTS_VOICE", "alloy"),
    )
    return OpenAITTSService(
        base_url=os.environ.get("TTS_BASE_URL"), api_key=os.environ.get("TTS_API_KEY"), settings=settings
    )


async def bot(runner_args: RunnerArguments) -> None:
    """Serves one browser; Pipecat's runner calls it."""
    options = runner_args.cli_args or OPTIONS.parse_args([])
    params = TransportParams(audio_in_enabled=True, audio_out_enabled=True)
    transport = await create_transport(runner_args, {"webrtc": lambda: params})
    context = LLMContextAggregatorPair(LLMContext())
    worker = PipelineWorker(
        Pipeline(
            [
                transport.input(),
                new_stt(options),
                context.user(),
                new_llm(),
                new_tts(),
                transport.output(),
                context.assistant(),
            ]
        ),
        params=PipelineParams(enable_metrics=True, enable_usage_metrics=True),
    )

    async def end_call(_transport: BaseTransport, _client: object) -> None:
        await worker.cancel()

    transport.add_event_handler("on_client_disconnected", end_call)
    runner = WorkerRunner(handle_sigint=runner_args.handle_sigint)
    await runner.add_workers(worker)
    await runner.run()


OPTIONS = argparse.ArgumentParser(description="An assistant that understands speech by Auricle")
OPTIONS.add_argument("--turns", choices=["silence", "semantic"], default="silence", help="what ends a turn")
OPTIONS.add_argument("--eager-at", type=float, help="probability at which the model begins to answer (default: never)")
OPTIONS.add_argument("--silence", type=int, default=500, help="milliseconds of silence that end a turn")
OPTIONS.add_argument("--eager", type=int, help="milliseconds after which the model begins to answer (default: never)")
OPTIONS.add_argument("--url", help="address of the Auricle server (default: AURICLE_URL, ws://127.0.0.1:8765)")
OPTIONS.add_argument("--key", help="key of the server, if it asks for one (default: AURICLE_API_KEY)")

if __name__ == "__main__":
    from pipecat.runner.run import main

    main(OPTIONS)
