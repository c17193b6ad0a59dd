"""What it costs to hear how turns end: a core's share for each stream in semantic mode.

    python -m tests.bench.bench_turn_detection

A conversation in which the user speaks for about 40 % of the time, with pauses inside of turns. First by itself, part
by part; then through a gateway process and a worker with the demo model, in semantic and in silence mode. Figures are
CPU time; as other work on a core's other thread slows that down too, the least of some rounds counts. With
``--against`` another checkout's gateway is measured in turns with this one's. Exit status 1 beyond the budget.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from auricle.protocol.settings import TurnMode
from auricle_server.bench.clips import SAMPLE_RATE
from auricle_server.bench.report.results import record, write
from auricle_server.voice.audio_analyzer import AudioAnalyzer
from auricle_server.voice.models import LoadedModels, find_models, load_models
from auricle_server.voice.onnx import Network, to_float
from auricle_server.voice.silero import Silero
from auricle_server.voice.smart_turn import SmartTurn, log_mel
from tests.bench.checkouts.other_checkout import OtherCheckout
from tests.bench.turn_detection.gateway_cpu import CHUNK_MS, PACKET, measure_gateway
from tests.bench.turn_detection.user_audio import UserAudio, converse

BUDGET = 0.02
"""Share of a core for a stream in semantic mode, beyond what it costs in silence mode."""
MODES: tuple[TurnMode, ...] = ("silence", "semantic")


class Meter:
    """CPU seconds of this process by what they went into."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self.calls: dict[str, int] = {}

    @contextmanager
    def on(self, name: str) -> Iterator[None]:
        """Charges what the block costs."""
        began = time.process_time()
        yield
        self.seconds[name] = self.seconds.get(name, 0.0) + time.process_time() - began
        self.calls[name] = self.calls.get(name, 0) + 1


class MeteredSilero(Silero):
    """Charges its windows."""

    def __init__(self, real: Silero, meter: Meter) -> None:
        self._real, self._meter = real, meter

    def load(self) -> None:
        """As ever."""
        self._real.load()

    def step(self, windows: Any, states: Any) -> Any:
        """As ever."""
        with self._meter.on("silero"):
            return self._real.step(windows, states)


class MeteredSmartTurn(SmartTurn):
    """Charges features and network apart."""

    def __init__(self, real: Network, meter: Meter) -> None:
        self._real, self._meter = real, meter

    def judge(self, pcm: bytes) -> float:
        """As ever."""
        with self._meter.on("features"):
            features = log_mel(to_float(pcm))[None]
        with self._meter.on("smart_turn"):
            (output,) = self._real.run(input_features=features)
        return float(output.reshape(-1)[0])


def measure_parts(conversation: UserAudio) -> dict[str, float]:
    """Shares of a core that one stream takes, when everything runs on this thread."""
    meter, loaded = Meter(), load_models(find_models())
    assert loaded.smart_turn is not None, "the bench needs both models"
    models = LoadedModels(MeteredSilero(loaded.silero, meter), MeteredSmartTurn(loaded.smart_turn, meter))
    loaded.smart_turn.judge(bytes(2))
    with meter.on("all"):
        _listen(AudioAnalyzer(models), conversation)
    seconds = len(conversation.pcm) / SAMPLE_RATE
    shares = {name: spent / seconds for name, spent in meter.seconds.items()}
    parts = sum(share for name, share in shares.items() if name != "all")
    return {
        **{f"{name}_share": share for name, share in shares.items()},
        "rest_share": shares["all"] - parts,
        "silero_us_per_window": 1e6 * meter.seconds["silero"] / meter.calls["silero"],
        "features_ms": 1e3 * meter.seconds["features"] / meter.calls["features"],
        "smart_turn_ms": 1e3 * meter.seconds["smart_turn"] / meter.calls["smart_turn"],
        "judgements_per_minute": 60 * meter.calls["smart_turn"] / seconds,
        "judgements_per_turn": meter.calls["smart_turn"] / len(conversation.ends),
    }


def _listen(ears: AudioAnalyzer, conversation: UserAudio) -> None:
    chunk = CHUNK_MS * SAMPLE_RATE // 1000
    ends = list(conversation.ends)
    for position in range(chunk, len(conversation.pcm) + 1, chunk):
        for at in range(position - chunk, position, PACKET):
            ears.receive_audio(conversation.pcm[at : at + PACKET].tobytes())
        ears.voice_at(position)
        if ends and position >= ends[0]:
            ears.end_turn(position)
            del ends[0]


def measure_in_turns(
    streams: int, seconds: float, rounds: int, folder: Path | None
) -> tuple[dict[str, float], dict[str, Any]]:
    """The gateway's figures, and under ``against`` those of another checkout, which takes turns with it."""
    other = None if folder is None else OtherCheckout(folder)
    ours, theirs = dict[str, float](), dict[str, float]()
    for mode in MODES:
        runs, other_runs = [], []
        for _ in range(rounds):
            runs.append(measure_gateway(mode, streams, seconds))
            if other is not None:
                arguments = {"mode": mode, "streams": streams, "seconds": seconds}
                other_runs.append(other.call(measure_gateway.__module__, "measure_gateway", **arguments))
        for figures, measured in ((ours, runs), (theirs, other_runs)):
            figures.update(min(measured, key=lambda each: each[f"{mode}_gateway_share"], default={}))
    for figures in filter(None, (ours, theirs)):
        figures["gateway_added_share"] = figures["semantic_gateway_share"] - figures["silence_gateway_share"]
    return ours, {} if other is None else {"against": {"commit": other.commit, **theirs}}


def main() -> int:
    """Exit status 1 when a stream costs more than the budget."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--streams", type=int, default=6)
    parser.add_argument("--seconds", type=float, default=60.0, help="of each live stream")
    parser.add_argument("--conversation", type=float, default=300.0, help="seconds of the one measured part by part")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--against", type=Path, help="another checkout, whose gateway is measured in turns")
    options = parser.parse_args()
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    conversation = converse(options.conversation, 0)
    parts = [measure_parts(conversation) for _ in range(options.rounds)]
    figures = {"speaking_share": conversation.speaking, **min(parts, key=lambda each: each["all_share"])}
    ours, theirs = measure_in_turns(options.streams, options.seconds, options.rounds, options.against)
    figures |= ours
    kept = max(figures["all_share"], figures["gateway_added_share"]) <= BUDGET
    result = record("turn-detection", vars(options), {**figures, **theirs, "budget_share": BUDGET, "kept": kept})
    path = write(result, None, "turn-detection-demo")
    for name, value in figures.items():
        print(f"  {name:42} {100 * value:7.2f} %" if name.endswith("share") else f"  {name:42} {value:7.2f}")
    for other in theirs.values():
        print(f"  commit {other['commit']} in turns with it: {100 * other['gateway_added_share']:.2f} %")
    print(f"{'kept' if kept else 'MISSED'}: {100 * BUDGET:g} % of a core for a stream; {path}")
    return int(not kept)


if __name__ == "__main__":
    raise SystemExit(main())
