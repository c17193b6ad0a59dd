"""Other engines, measured in the same run with the same weights and the same audio."""
