"""Servers under evaluation, one module for each protocol."""
