"""The studio on one's own machine: a server on 127.0.0.1, the file that is edited, and a process that answers."""
