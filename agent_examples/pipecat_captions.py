"""Captions in Pipecat: shows what is said, in the terminal and in the browser.

It needs no key and no account. Start an Auricle server, and the bot in another terminal:

    pip install ".[server,pipecat]" "pipecat-ai[runner,webrtc]"
    auricle serve
    python agent_examples/pipecat_captions.py -t webrtc

Open http://localhost:7860/captions, which loads nothing from other servers, or Pipecat's own page, /client, which loads
its microphone code from Daily's, and speak. Pipecat's voice detection ends a turn; with ``--turns server`` the Auricle
server does, by silence, and with ``--turns semantic`` by the words and the sound. ``--latency`` sets the chunk latency
in milliseconds; ``--url`` and ``--key`` name another server.
"""

from __future__ import annotations

import argparse

from pipecat.audio.vad.silero import SileroVADAnalyzer
from pipecat.frames.frames import (
    Frame,
    InterimTranscriptionFrame,
    MetricsFrame,
    ProposedUserStoppedSpeakingFrame,
    TranscriptionFrame,
)
from pipecat.metrics.metrics import TTFBMetricsData
from pipecat.pipeline.pipeline import Pipeline
from pipecat.pipeline.worker import PipelineParams, PipelineWorker
from pipecat.processors.audio.vad_processor import VADProcessor
from pipecat.processors.frame_processor import FrameDirection, FrameProcessor
from pipecat.runner.types import RunnerArguments
from pipecat.runner.utils import create_transport
from pipecat.transports.base_transport import BaseTransport, TransportParams
from pipecat.workers.runner import WorkerRunner

from pipecat_auricle import AuricleSTTService, TurnDetection, TurnMode


class Captions(FrameProcessor):
    """Prints the words as they come; an agent has its aggregator and its LLM here."""

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        """Prints transcripts and turn ends, and passes every frame on."""
        await super().process_frame(frame, direction)
        match frame:
            case InterimTranscriptionFrame():
                print(f"\r\033[K  {frame.text}", end="", flush=True)
            case TranscriptionFrame():
                print(f"\r\033[K> {frame.text}")
            case ProposedUserStoppedSpeakingFrame():
                print("  (the turn has ended)")
            case MetricsFrame(data=[TTFBMetricsData(value=seconds)]) if seconds:
                print(f"\r\033[K  (final {seconds:.2f} s after the end of speech)")
        await self.push_frame(frame, direction)


def pipeline(transport: BaseTransport, options: argparse.Namespace) -> Pipeline:
    """From the microphone through Auricle to the captions."""
    mode: TurnMode = "semantic" if options.turns == "semantic" else "silence"
    detection: TurnDetection = "vad" if options.turns == "vad" else "server"
    settings = AuricleSTTService.Settings(latency_ms=options.latency, turn_mode=mode)
    stt = AuricleSTTService(url=options.url, api_key=options.key, turn_detection=detection, settings=settings)
    vad = [VADProcessor(vad_analyzer=SileroVADAnalyzer())] if options.turns == "vad" else []
    return Pipeline([transport.input(), *vad, stt, Captions(), transport.output()])


async def bot(runner_args: RunnerArguments) -> None:
    """Serves one browser; Pipecat's runner calls it."""
    transport = await create_transport(runner_args, {"webrtc": lambda: TransportParams(audio_in_enabled=True)})
    worker = PipelineWorker(
        pipeline(transport, runner_args.cli_args or OPTIONS.parse_args([])),
        params=PipelineParams(enable_metrics=True, send_initial_empty_metrics=False),
        cancel_on_idle_timeout=False,
    )

    async def end_call(_transport: BaseTransport, _client: object) -> None:
        print("\r\033[K  (the call has ended)")
        await worker.cancel()

    transport.add_event_handler("on_client_disconnected", end_call)
    runner = WorkerRunner(handle_sigint=runner_args.handle_sigint)
    await runner.add_workers(worker)
    await runner.run()


OPTIONS = argparse.ArgumentParser(description="Captions by Auricle in Pipecat")
OPTIONS.add_argument("--turns", choices=["vad", "server", "semantic"], default="vad", help="what ends a turn")
OPTIONS.add_argument("--latency", type=int, help="chunk latency in milliseconds (default: the server's)")
OPTIONS.add_argument("--url", help="address of the Auricle server (default: AURICLE_URL, ws://127.0.0.1:8765)")
OPTIONS.add_argument("--key", help="key of the server, if it asks for one (default: AURICLE_API_KEY)")

# Pipecat sends transcripts on the page's data channel (RTVI), and ends the call of a page that sends no more "ping".
PAGE = """<!doctype html><title>Captions</title><style>body {font: 2em/1.5 sans-serif; margin: 2em}</style>
<div id="past"></div><b id="live">...</b><script type="module">
const microphone = await navigator.mediaDevices.getUserMedia({audio: true});
const peer = new RTCPeerConnection(), channel = peer.createDataChannel("captions");
peer.addTransceiver(microphone.getTracks()[0]), addEventListener("pagehide", () => peer.close());
channel.onopen = () => { live.textContent = "Speak!"; setInterval(() => channel.send("ping"), 1000); };
channel.onmessage = (message) => {
  const {type, data} = JSON.parse(message.data); if (type !== "user-transcription") return;
  if (data.final) past.appendChild(document.createElement("div")).textContent = data.text;
  live.textContent = data.final ? "" : data.text;
};
peer.onicegatheringstatechange = async () => {
  if (peer.iceGatheringState !== "complete") return;
  const headers = {"Content-Type": "application/json"}, body = JSON.stringify(peer.localDescription);
  await peer.setRemoteDescription(await (await fetch("/api/offer", {method: "POST", headers, body})).json());
};
await peer.setLocalDescription();
</script>"""

if __name__ == "__main__":
    from fastapi.responses import HTMLResponse
    from pipecat.runner.run import app, main

    app.get("/captions", response_class=HTMLResponse)(lambda: PAGE)
    main(OPTIONS)
