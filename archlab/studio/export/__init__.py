"""The studio as files for any web server: the built page, Pyodide, and archlab as a wheel."""
