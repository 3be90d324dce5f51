"""Comparisons with ngspice, run in batch mode on the same netlists."""
