"""The recipe of Auricle's bundled English demo checkpoint: synthetic speech in, a streaming RNNT out."""
