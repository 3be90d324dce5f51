"""Where a model, a method or a network comes from."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Reference:
    """Where a model comes from: `citation` (authors, journal, year), `doi` (or arXiv id)."""

    citation: str
    doi: str = ""
