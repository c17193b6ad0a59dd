"""One client's stream in a gateway: its protocol state, its events, and how it is resumed."""
