"""When a turn starts and ends. Pure: evidence on the audio's own clock goes in, decisions come out."""

from auricle_server.turns.detector import TurnDetector, TurnEnded, TurnEvidence, TurnStarted, VoiceSignals
from auricle_server.turns.off import OffDetector
from auricle_server.turns.select import detector_for
from auricle_server.turns.semantic import SemanticDetector
from auricle_server.turns.silence import SilenceDetector
from auricle_server.turns.turn_record import TurnRecord

__all__ = [
    "OffDetector",
    "SemanticDetector",
    "SilenceDetector",
    "TurnDetector",
    "TurnEnded",
    "TurnEvidence",
    "TurnRecord",
    "TurnStarted",
    "VoiceSignals",
    "detector_for",
]
