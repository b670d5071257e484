"""The command line: arguments, commands, and where their results go."""
