"""Generated comparison reports; `python -m reports` makes them again."""
