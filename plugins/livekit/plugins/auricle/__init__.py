"""Auricle speech-to-text for LiveKit agents.

`STT` streams a participant's audio to a self-hosted Auricle server and gives the session interim and final transcripts
with word times, and, if asked to, the turn ends::

    from livekit.agents import AgentSession
    from livekit.plugins import auricle

    session = AgentSession(stt=auricle.STT(url="ws://127.0.0.1:8765"), llm=..., tts=...)

Who detects the end of a turn is one choice, made in two places that must agree: see `STT`.
"""

from livekit.agents import Plugin

from ._stream import SpeechStream
from .log import logger
from .models import OptionKeywords, STTOptions, TurnDetection, TurnMode
from .stt import STT
from .version import __version__

__all__ = ["STT", "OptionKeywords", "STTOptions", "SpeechStream", "TurnDetection", "TurnMode", "__version__"]


class AuriclePlugin(Plugin):
    """Registers the plugin with LiveKit's command line; there are no files to download."""

    def __init__(self) -> None:
        super().__init__(__name__, __version__, __package__ or __name__, logger)


# LiveKit wants this at import, on the main thread.
Plugin.register_plugin(AuriclePlugin())
