"""Signal graphs: populations of units as nodes, projections as edges, one meaning for analog and digital targets."""
