"""An assistant: a Pipecat bot with Auricle's ears, and the language model and the voice of any OpenAI-compatible API.

The model and the voice may be a hosted API or servers of your own (vLLM, Ollama, Kokoro and others). Run it as it is,
beside an Auricle server:

    pip install ".[server,pipecat]" "pipecat-ai[openai,runner,webrtc]"
    auricle serve
    OPENAI_API_KEY=... python agent_examples/pipecat_assistant.py -t webrtc        # in another terminal

Then open http://localhost:7860/client and press Connect. (The page has its microphone code from Daily's servers, so
the browser needs the internet.) The environment says who answers and who speaks:

    OPENAI_BASE_URL, OPENAI_API_KEY     the API; without them, OpenAI's own
    TTS_BASE_URL, TTS_API_KEY           the API of the voice, where that is another
    LLM_MODEL, TTS_MODEL, TTS_VOICE     the model, the voice's model, and the voice by one of OpenAI's names
    LLM_PROMPT                          who the assistant is

``--silence`` takes the milliseconds after which your turn is over. With ``--eager``, a smaller number, the model begins
to answer that early, and what it says is dropped if you go on: faster answers for more inference. With ``--turns
semantic`` your turn is over when by all that was heard it has probably ended, and the model begins at ``--eager-at``, a
probability. A server elsewhere is named by ``--url`` and ``--key``.
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


def ears(options: argparse.Namespace) -> AuricleSTTService:
    """Auricle, which also decides when a turn has ended."""
    settings = AuricleSTTService.Settings(
        turn_mode=options.turns,
        silence_ms=options.silence,
        eager_silence_ms=options.eager,
        eager_threshold=options.eager_at,
    )
    return AuricleSTTService(url=options.url, api_key=options.key, turn_detection="server", settings=settings)


def mind() -> OpenAILLMService:
    """The language model. Its client reads OPENAI_BASE_URL and OPENAI_API_KEY by itself."""
    settings = OpenAILLMService.Settings(
        model=os.environ.get("LLM_MODEL", "gpt-4.1-mini"),
        system_instruction=os.environ.get("LLM_PROMPT", PROMPT),
    )
    return OpenAILLMService(settings=settings)


def voice() -> OpenAITTSService:
    """The voice, in the same place or in another."""
    settings = OpenAITTSService.Settings(
        model=os.environ.get("TTS_MODEL", "gpt-4o-mini-tts"),
        voice=os.environ.get("TTS_VOICE", "alloy"),
    )
    return OpenAITTSService(
        base_url=os.environ.get("TTS_BASE_URL"), api_key=os.environ.get("TTS_API_KEY"), settings=settings
    )


async def bot(runner_args: RunnerArguments) -> None:
    """One browser's visit; Pipecat's runner calls it."""
    options = runner_args.cli_args or OPTIONS.parse_args([])
    both_ways = TransportParams(audio_in_enabled=True, audio_out_enabled=True)
    transport = await create_transport(runner_args, {"webrtc": lambda: both_ways})
    context = LLMContextAggregatorPair(LLMContext())
    worker = PipelineWorker(
        Pipeline(
            [
                transport.input(),
                ears(options),
                context.user(),
                mind(),
                voice(),
                transport.output(),
                context.assistant(),
            ]
        ),
        params=PipelineParams(enable_metrics=True, enable_usage_metrics=True),
    )

    async def hang_up(_transport: BaseTransport, _client: object) -> None:
        await worker.cancel()

    transport.add_event_handler("on_client_disconnected", hang_up)
    runner = WorkerRunner(handle_sigint=runner_args.handle_sigint)
    await runner.add_workers(worker)
    await runner.run()


OPTIONS = argparse.ArgumentParser(description="An assistant with Auricle's ears in Pipecat")
OPTIONS.add_argument("--turns", choices=["silence", "semantic"], default="silence", help="what ends a turn")
OPTIONS.add_argument("--eager-at", type=float, help="probability from which on the model may begin to answer; never")
OPTIONS.add_argument("--silence", type=int, default=500, help="milliseconds of silence that end a turn")
OPTIONS.add_argument("--eager", type=int, help="milliseconds after which the model may begin to answer; never")
OPTIONS.add_argument("--url", default="ws://127.0.0.1:8765", help="address of the Auricle server")
OPTIONS.add_argument("--key", help="its key, where it asks for one")

if __name__ == "__main__":
    from pipecat.runner.run import main

    main(OPTIONS)
