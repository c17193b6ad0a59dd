"""One speaker's stream: results of the worker in, events for the client out. Pure: no I/O and no clock."""
