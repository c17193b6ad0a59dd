"""How many live streams the engine holds without sockets, alone and beside another engine."""
