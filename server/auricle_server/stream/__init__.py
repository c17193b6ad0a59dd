"""One speaker's stream: results of the worker in, events for the client out. Pure."""

from auricle_server.stream.stream import Change, Stream

__all__ = ["Change", "Stream"]
