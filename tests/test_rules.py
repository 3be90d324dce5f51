"""Rules of the house that a machine can check."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
SOURCES = {path.relative_to(ROOT): path.read_text() for path in sorted((ROOT / "neurosim").rglob("*.py"))}

FORBIDDEN = {
    r"(?<![\w.])(eval|exec|compile)\(": "no evaluation of text as code",
    r"\bimport (pickle|dill|shelve|marshal)\b": "no serialisation that runs code",
    r"allow_pickle\s*=\s*True": "no serialisation that runs code",
    r"shell\s*=\s*True": "no shell",
    r"fastmath\s*=\s*True": "kills NaN detection",
    r"np\.random\.(seed|rand|randn|normal|uniform|RandomState)\(": "no global random state",
    r"\bsympify\b|\bparse_expr\b": "evaluates Python",
}


def files_with(pattern: str) -> list[Path]:
    return [path for path, text in SOURCES.items() if re.search(pattern, text)]


def test_there_are_sources() -> None:
    assert len(SOURCES) > 400


def test_one_file_is_one_concept() -> None:
    lines = {path: len(text.splitlines()) for path, text in SOURCES.items()}
    assert not {path: count for path, count in lines.items() if count > 600}


@pytest.mark.parametrize("pattern", FORBIDDEN)
def test_what_is_forbidden_is_nowhere(pattern: str) -> None:
    assert not files_with(pattern), FORBIDDEN[pattern]


def test_numba_cache_is_never_bare() -> None:
    assert not files_with("cache=True")


def test_scipy_integrate_only_in_solve() -> None:
    found = files_with(r"(import|from) scipy\.integrate|from scipy import .*integrate")
    assert all("solve" in path.parts for path in found), found
