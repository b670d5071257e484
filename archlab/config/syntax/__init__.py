"""Text: YAML with places, expressions, names, bounds."""
