"""Word times and confidence of a model on synthesised speech that it has not heard, and what makes them right."""
