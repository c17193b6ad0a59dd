"""Neural voices from packages: Kokoro with many speakers, and hibari, which is fast."""
