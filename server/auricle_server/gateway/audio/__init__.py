"""A client's audio: decoded, resampled, and what turn detection hears in it."""
