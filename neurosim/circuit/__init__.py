"""Circuits as data: the model, netlist reading, checks and assembly into a System."""
