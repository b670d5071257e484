"""How fast archlab is, beside its peers: `python -m benchmarks` from the repository's root."""
