"""Solving: operating points, sweeps, small-signal and transient analyses, and the integration methods."""
