"""What is seen in the pipeline. Times `at` are on `time.perf_counter`, wall times on `time.time`; both in seconds."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class VadStop:
    """The voice detection's stop reached the service; `speech_end` is the wall time at which it saw speech end."""

    at: float
    speech_end: float


@dataclass(frozen=True, slots=True)
class FinalSeen:
    """A transcript left the service at wall time `wall`."""

    at: float
    wall: float
    text: str
    finalized: bool


@dataclass(frozen=True, slots=True)
class Ttfb:
    """Pipecat's own metric left the service: seconds from the end of speech to the transcript."""

    at: float
    value: float


Event = VadStop | FinalSeen | Ttfb
