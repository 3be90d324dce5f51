"""Comparisons with closed forms."""
