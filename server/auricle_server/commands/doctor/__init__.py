"""`auricle doctor`: what is installed, what the model needs, and whether a server could run here."""
