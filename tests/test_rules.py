"""Rules of the house that a machine can check."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
SOURCES = sorted((ROOT / "neurosim").rglob("*.py"))

FORBIDDEN = {
    r"(?<![\w.])(eval|exec|compile)\(": "no evaluation of text as code",
    r"\bimport (pickle|dill|shelve|marshal)\b": "no serialisation that runs code",
    r"allow_pickle\s*=\s*True": "no serialisation that runs code",
    r"shell\s*=\s*True": "no shell",
    r"fastmath\s*=\s*True": "kills NaN detection",
    r"np\.random\.(seed|rand|randn|normal|uniform|RandomState)\(": "no global random state",
    r"\bsympify\b|\bparse_expr\b": "evaluates Python",
}


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: str(p.relative_to(ROOT)))
def test_source_file(path: Path) -> None:
    text = path.read_text()
    assert len(text.splitlines()) <= 600, "more than one concept in this file"
    for pattern, why in FORBIDDEN.items():
        found = re.search(pattern, text)
        assert not found, f"{found.group(0) if found else ''}: {why}"


def test_numba_cache_is_never_bare() -> None:
    for path in SOURCES:
        if path.name != "abi.py":
            assert "cache=True" not in path.read_text(), path


def test_scipy_integrate_only_in_solve() -> None:
    for path in SOURCES:
        if "solve" not in path.relative_to(ROOT).parts:
            found = re.search(r"(import|from) scipy\.integrate|from scipy import .*integrate", path.read_text())
            assert not found, path
