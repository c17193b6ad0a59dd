"""OpenAI's realtime transcription: ``/v1/realtime``."""

from __future__ import annotations

from auricle_server.gateway.dialects.openai_realtime.endpoint import RealtimeEndpoint

__all__ = ["RealtimeEndpoint"]
