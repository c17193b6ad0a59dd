"""What clients connect to: HTTP and WebSockets, one session a stream, one message per tick to each worker."""
