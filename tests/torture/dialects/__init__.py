"""The wire formats of other servers under torture: right and broken messages, uploads and calls, and what must come of
them."""
