"""What one unit sees: sets of input positions, axis by axis, and what becomes of them."""
