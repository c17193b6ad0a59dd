"""Speech for training: voices, synthesis, rooms and noise."""
