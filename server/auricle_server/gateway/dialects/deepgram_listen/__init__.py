"""Deepgram's listen API, version 1."""
