"""`archlab mcp`: archlab's commands as tools of the Model Context Protocol, for programs that write configs.

Nothing is written or executed, and only configs below one folder are read. `server.py` alone imports the protocol's
SDK; each call runs in a process of `worker.py`, which has a time limit.
"""
