"""What an archive holds: recordings by path, folder, pattern, manifest or address."""
