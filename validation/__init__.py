"""Is it true? Comparisons with closed forms, published numbers and another simulator; run ``python -m validation``."""
