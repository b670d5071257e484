"""What is wrong, where, and what to write instead: the ground floor, which imports nothing of archlab's."""
