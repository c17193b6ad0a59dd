"""The connections: WebSockets and HTTP in front, streams behind, one message per tick to each worker."""
