"""The web page at `/`, with which people try the server: its files, and what it must know of the server."""
