"""Views of a result: plain data, terminal tables, Markdown, CSV, HTML."""
