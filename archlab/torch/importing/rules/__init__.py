"""Functions that are layers: a file for each kind of them."""
