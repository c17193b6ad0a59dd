"""When a turn starts and ends. Pure: an audio clock and what was heard go in, decisions come out."""

from auricle_server.turns.base import Detector, Heard, TurnEnded, TurnStarted, Voice
from auricle_server.turns.off import OffDetector
from auricle_server.turns.record import TurnRecord
from auricle_server.turns.select import detector_for
from auricle_server.turns.semantic import SemanticDetector
from auricle_server.turns.silence import SilenceDetector

__all__ = [
    "Detector",
    "Heard",
    "OffDetector",
    "SemanticDetector",
    "SilenceDetector",
    "TurnEnded",
    "TurnRecord",
    "TurnStarted",
    "Voice",
    "detector_for",
]
