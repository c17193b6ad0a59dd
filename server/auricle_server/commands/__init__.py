"""The `auricle` command: one module for each subcommand. Heavy imports happen inside the commands."""
