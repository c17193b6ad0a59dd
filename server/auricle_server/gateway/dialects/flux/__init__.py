"""Deepgram Flux: ``/v2/listen``, speech-to-text that says when a turn ends."""

from __future__ import annotations

from auricle_server.gateway.dialects.flux.endpoint import FluxEndpoint

__all__ = ["FluxEndpoint"]
