"""Captions of a transcript: what is shown, in how many lines, and in which format of file."""
