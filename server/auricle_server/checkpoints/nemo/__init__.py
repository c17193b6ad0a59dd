"""NeMo archives: the members of a .nemo file, and weights mapped in place."""
