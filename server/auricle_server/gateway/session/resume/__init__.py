"""Sessions whose clients may come back on another connection."""
