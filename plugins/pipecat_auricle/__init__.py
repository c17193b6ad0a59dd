"""Auricle for Pipecat: streaming speech-to-text by a server of your own."""

from pipecat_auricle.settings import AuricleSTTSettings, TurnDetection, TurnMode
from pipecat_auricle.stt import AuricleSTTService

__all__ = ["AuricleSTTService", "AuricleSTTSettings", "TurnDetection", "TurnMode"]
