"""A simulation of a fleet of servers, with the server's own admission and engine."""
