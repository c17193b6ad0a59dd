"""What the wire formats of other servers add to the time until a turn's end is told."""
