"""Capacity on paper: how many machines a number of streams needs, and a simulation of a fleet of them."""
