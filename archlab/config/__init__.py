"""From YAML text to a graph: positioned nodes, expressions, expansion, and problems with a place and a hint."""
