"""Models for benches: checkpoints, and architectures of full size with random weights."""
