"""Capacity of a whole server: real WebSockets, and clients in their own processes."""
