"""Words: the pieces of a vocabulary, spellings of key terms, word times and word confidences."""
