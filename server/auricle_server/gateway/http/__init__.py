"""aiohttp shells: routes, and the WebSocket of the native protocol. They move bytes; sessions decide."""
