"""Reports of a validation run: a table on the terminal, report.md and report.json."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from validation.case import Case

Entry = tuple[str, Case]
"""Module of a case, and the case."""


def line(module: str, case: Case) -> str:
    """One line of the table on the terminal."""
    mark = "ok  " if case.passed else "MISS"
    return f"{mark} {case.error:9.2e} of {case.tolerance:7.1e}  {module}: {case.name}"


def write(folder: Path, entries: Sequence[Entry], remarks: Sequence[str], versions: dict[str, str]) -> None:
    """Write report.md and report.json."""
    missed = [case for _, case in entries if not case.passed]
    text = ["# Validation", "", f"{len(entries) - len(missed)} of {len(entries)} cases pass.", ""]
    text += [f"{name} {version}" + ("," if name != list(versions)[-1] else "") for name, version in versions.items()]
    text += ["", *(f"**{remark}**\n" for remark in remarks)]
    for module in dict.fromkeys(module for module, _ in entries):
        text += [
            f"## {module}", "",
            "| case | quantity | expected | ours | error | tolerance | | why this tolerance | source |",
            "| --- | --- | --- | --- | --- | --- | --- | --- | --- |",
        ]  # fmt: skip
        own = [case for name, case in entries if name == module]
        for case in own:
            cells = (
                case.name, case.quantity, case.expected, case.ours, f"{case.error:.2e}", f"{case.tolerance:.0e}",
                "pass" if case.passed else "**miss**", case.reason, case.source,
            )  # fmt: skip
            text.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
        text += ["", *(f"![{case.name}]({case.figure})" for case in own if case.figure), ""]
    (folder / "report.md").write_text("\n".join(text), encoding="utf-8")
    document = {
        "versions": versions,
        "remarks": list(remarks),
        "cases": [{"module": module, "passed": case.passed, **asdict(case)} for module, case in entries],
    }
    (folder / "report.json").write_text(json.dumps(document, indent=2), encoding="utf-8")
