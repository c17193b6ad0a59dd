"""A client's audio: decoded, resampled, and analysed for the ends of turns."""
