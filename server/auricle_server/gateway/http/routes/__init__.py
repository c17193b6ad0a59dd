"""Routes of the native protocol beside its WebSocket."""
