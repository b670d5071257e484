"""Reading and writing files with care: what was read is known, what is written is whole."""
