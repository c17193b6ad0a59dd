"""Models to measure: checkpoints, and architectures of full size with random weights."""
