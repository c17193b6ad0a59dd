"""Whole archives of recordings, transcribed on Ray Data: each file once, however often the work is interrupted."""
