"""When a turn starts and ends. Pure: evidence on the audio's own clock goes in, decisions come out."""

from auricle_server.turns.backchannels import is_english
from auricle_server.turns.detector import TurnDetector, TurnEnded, TurnEvidence, TurnStarted, VoiceSignals
from auricle_server.turns.dictation import collected, leads_on
from auricle_server.turns.longest_turn import PAUSE, LongestTurn
from auricle_server.turns.no_words import VoiceWithoutWords
from auricle_server.turns.off import OffDetector
from auricle_server.turns.select import detector_for
from auricle_server.turns.semantic import SemanticDetector
from auricle_server.turns.silence import SilenceDetector
from auricle_server.turns.turn_record import TurnRecord, backchannel_of

__all__ = [
    "PAUSE",
    "LongestTurn",
    "OffDetector",
    "SemanticDetector",
    "SilenceDetector",
    "TurnDetector",
    "TurnEnded",
    "TurnEvidence",
    "TurnRecord",
    "TurnStarted",
    "VoiceSignals",
    "VoiceWithoutWords",
    "backchannel_of",
    "collected",
    "detector_for",
    "is_english",
    "leads_on",
]
