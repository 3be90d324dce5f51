"""``python -m validation [--fast] [--only NAME] [--out DIR] [--benchmarks]``: run all cases and write a report.

Every module in analytic/, literature/, ngspice/ and peers/ (with ``--benchmarks``: those in benchmarks/) that has a
function ``cases(context)`` is run; it yields `Case` objects. The exit code is 1 if a case misses its tolerance.
"""

from __future__ import annotations

import argparse
import importlib
import json
import pkgutil
import sys
import time
from pathlib import Path

import matplotlib

import validation
from neurosim.errors import NeurosimError
from neurosim.results import versions
from validation.case import Case, Context
from validation.report import line, write

FOLDERS = ("analytic", "literature", "ngspice", "peers")


def modules(folders: tuple[str, ...]) -> list[str]:
    """Names of the modules of cases, ``"analytic.linear"``."""
    found = []
    for folder in folders:
        package = importlib.import_module(f"validation.{folder}")
        found += [f"{folder}.{entry.name}" for entry in pkgutil.iter_modules(package.__path__) if not entry.ispkg]
    return found


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m validation", description=validation.__doc__)
    parser.add_argument("--fast", action="store_true", help="only the part that takes less than three minutes")
    parser.add_argument("--only", metavar="NAME", default="", help="only modules or cases whose name contains this")
    parser.add_argument("--out", metavar="DIR", type=Path, default=Path("validation_report"), help="where reports go")
    parser.add_argument("--benchmarks", action="store_true", help="the benchmarks instead of the comparisons")
    options = parser.parse_args(arguments)
    matplotlib.use("Agg")
    options.out.mkdir(parents=True, exist_ok=True)
    context = Context(options.fast, options.out)
    entries: list[tuple[str, Case]] = []
    found = modules(("benchmarks",) if options.benchmarks else FOLDERS)
    for name in [name for name in found if options.only in name] or found:
        module = importlib.import_module(f"validation.{name}")
        if not hasattr(module, "cases"):
            continue
        clock = time.perf_counter()
        whole = options.only in name
        try:
            for case in module.cases(context):
                if whole or options.only in case.name:
                    entries.append((name, case))
                    print(line(name, case), flush=True)
        except NeurosimError as error:
            case = Case(f"{name} runs", "", "simulation", "no error", str(error).split("\n")[0], float("inf"), 0.0, "")
            entries.append((name, case))
            print(line(name, case), f"\n     {error}", flush=True)
        print(f"     {name}: {time.perf_counter() - clock:.1f} s", flush=True)
    write(options.out, entries, context.remarks, versions())
    missed = [f"{name}: {case.name}" for name, case in entries if not case.passed]
    known = json.loads((Path(__file__).parent / "known_misses.json").read_text())
    for name in missed:
        print(f"known miss: {name}: {known[name]}" if name in known else f"NEW MISS: {name}")
    for remark in context.remarks:
        print(f"\n*** {remark} ***")
    print(f"\n{len(entries) - len(missed)} of {len(entries)} cases pass; report in {options.out / 'report.md'}")
    if not entries:
        print(f"no case has '{options.only}' in its name")
    # Known misses stay misses in the report; only a new one fails.
    return int(any(name not in known for name in missed) or not entries)


if __name__ == "__main__":
    sys.exit(main())
