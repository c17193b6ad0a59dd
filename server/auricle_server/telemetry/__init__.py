"""Logs and traces of a server: how lines are written, what they may hold, and spans for OpenTelemetry."""
