"""The wire formats of other servers, each over the same sessions as the native protocol."""
