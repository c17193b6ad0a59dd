"""The spoken training text: who says what, and the shards that hold it."""
