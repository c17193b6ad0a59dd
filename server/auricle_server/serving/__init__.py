"""The processes of a server: the supervisor, its children, and a server inside another process."""
