"""How many machines a number of live streams needs."""
