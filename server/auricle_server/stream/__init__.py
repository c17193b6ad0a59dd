"""One speaker's stream: results of the worker in, events for the client out. Pure."""

from auricle_server.stream.stream_state import SettingsChange, StreamState

__all__ = ["SettingsChange", "StreamState"]
