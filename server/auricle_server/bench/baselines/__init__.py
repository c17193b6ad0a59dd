"""Other engines beside ours: same weights, same machine, same run, same audio."""
