"""Key terms: phrases whose tokens greedy search favours, stream by stream.

`text.key_terms` lists how a phrase may be written, `automaton` compiles a list of phrases, `automaton_cache` shares the
automata of all streams, `model.key_term_tables` holds them on the device, `ops.key_terms` searches with them.
"""
