"""Capacity of the engine without sockets, alone and next to another engine."""
