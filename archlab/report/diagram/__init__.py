"""Architecture diagrams: a network folded to boxes, as SVG, Mermaid or Graphviz DOT."""
