"""The Python face: targets to networks, networks to numbers, networks side by side."""
