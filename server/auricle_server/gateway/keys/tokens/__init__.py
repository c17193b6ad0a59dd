"""Short-lived tokens, which stand for a key where a key does not belong: in browsers."""
