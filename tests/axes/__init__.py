"""Networks of one and of three axes go through every command and every form."""
