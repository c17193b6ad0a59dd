"""What `make gpu` runs on a machine with an NVIDIA GPU: its stages, single steps, and what bounds them."""
