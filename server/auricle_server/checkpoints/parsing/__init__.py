"""Texts of checkpoints, which anybody may have written: parsed within bounds of time and memory."""
