"""`archlab studio`: a page that shows a config's numbers as it is written.

`answer.py` is all that the page asks, free of files, threads and processes, so that it runs in a browser (Pyodide) as
well as behind the local server of `host/`. `web/` is the page itself, in TypeScript.
"""
