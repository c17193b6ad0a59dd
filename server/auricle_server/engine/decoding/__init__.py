"""Greedy RNNT search, and how sure it is."""
