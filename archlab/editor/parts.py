"""Which numbers hints can show; apart from what makes them, for the command line's help."""

PARTS = ("shape", "params", "macs", "receptive_field", "peak")
"""In the order in which they stand behind a line."""
