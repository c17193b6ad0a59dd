"""Another checkout's code, measured in turns with this one's."""
