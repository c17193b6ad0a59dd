"""How many live streams a whole server holds: real WebSockets, clients in processes of their own."""
