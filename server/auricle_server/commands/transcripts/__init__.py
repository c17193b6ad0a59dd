"""The files that `auricle transcribe` writes."""
