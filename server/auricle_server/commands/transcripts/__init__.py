"""What `auricle transcribe` writes: captions that can be read, and the files that they go into."""
