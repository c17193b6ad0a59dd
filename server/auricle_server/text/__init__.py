"""Words: the pieces of a vocabulary, how key terms are spelled, when words are heard and how likely they are right."""
