"""aiohttp shells: routes, admission, the WebSocket of the native protocol. They move bytes and decide nothing else."""
