"""Comparisons with published numbers."""
