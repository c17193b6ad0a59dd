"""The processes of a server: the supervisor, the gateways and workers, and a server inside another process."""
