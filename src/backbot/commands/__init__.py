"""The commands that are more than parse, call, print in a few lines: one file each, put together in cli.py."""
