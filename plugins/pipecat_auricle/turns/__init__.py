"""Turns of Pipecat that the server knows more about: those without words, and those that are no turn at all."""
