"""OpenAI's API for files: transcriptions and the list of models."""
