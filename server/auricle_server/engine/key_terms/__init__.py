"""Key terms: phrases whose tokens greedy search favours, stream by stream.

`spelling` says how a phrase may be written, `automaton` makes one automaton of a list of phrases, `library` keeps
those of all streams, `tables` holds them on the device, `reference` says in numpy what a search with them finds.
"""
