"""Discrete-time equivalents of signal graphs, their rules, certificates and training."""
