"""Analyses of results and systems."""
