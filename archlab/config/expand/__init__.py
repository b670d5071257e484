"""From a document to a graph."""
