"""Auricle for Pipecat: streaming speech-to-text by a server of your own."""

from pipecat_auricle.failover import FailoverMode
from pipecat_auricle.settings import AuricleSTTSettings, TurnDetection, TurnMode
from pipecat_auricle.stt import AuricleSTTService
from pipecat_auricle.turns.no_words import NoWordsFrame, NoWordsUserTurnStopStrategy

__all__ = [
    "AuricleSTTService",
    "AuricleSTTSettings",
    "FailoverMode",
    "NoWordsFrame",
    "NoWordsUserTurnStopStrategy",
    "TurnDetection",
    "TurnMode",
]
