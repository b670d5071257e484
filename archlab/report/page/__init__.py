"""The HTML page of `archlab compare` and `archlab analyze`: one file with table, charts and diagrams."""
