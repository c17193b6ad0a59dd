"""API keys: the file that names them, their limits, what they use, and who tries wrong ones."""
