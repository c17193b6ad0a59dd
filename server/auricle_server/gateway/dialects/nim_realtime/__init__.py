"""The realtime WebSocket of NVIDIA's speech NIMs: ``/v1/realtime`` and ``/v1/realtime/transcription_sessions``."""
