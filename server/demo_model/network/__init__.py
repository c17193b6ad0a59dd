"""The network that is trained, its features and its losses."""
