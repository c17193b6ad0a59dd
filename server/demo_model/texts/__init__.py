"""Training text of the languages beside English: patterns, and the words that fill them."""
