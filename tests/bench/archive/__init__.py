"""`auricle archive` beside `auricle transcribe`: what Ray costs."""
