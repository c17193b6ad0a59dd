"""Folders of safetensors as transformers saves them, under NeMo's names."""
