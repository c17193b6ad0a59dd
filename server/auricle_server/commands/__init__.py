"""What the `auricle` command does: one module for each of its words. Heavy imports happen inside the commands."""
