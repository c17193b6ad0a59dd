"""`auricle evaluate`: recordings with known text through live streams, and what became of their words."""
