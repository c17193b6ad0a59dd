"""Decodes live audio that comes in a container or compressed, piece by piece."""
