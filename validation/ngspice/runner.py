"""Run ngspice in batch mode with small steps, and read its raw file."""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
from pathlib import Path

import numpy as np

from neurosim.units import parse_number

TIGHT = ".options reltol=1e-6 abstol=1e-14 vntol=1e-10 chgtol=1e-18 trtol=1 itl1=500 itl4=200"


def version() -> str | None:
    """First version line of ngspice, or None when it is not installed."""
    program = shutil.which("ngspice")
    if program is None:
        return None
    text = subprocess.run([program, "--version"], capture_output=True, text=True, timeout=60, check=False).stdout
    match = re.search(r"ngspice-\S+", text)
    return match.group() if match else "unknown version"


def run(path: Path, steps: int) -> dict[str, np.ndarray]:
    """Columns of the last plot that ngspice makes of a netlist, the axis first.

    Parameters
    ----------
    path : Path
        The netlist.
    steps : int
        A transient analysis takes at least this many steps.

    Raises
    ------
    RuntimeError
        ngspice wrote nothing; with the end of what it said.
    """
    lines = path.read_text(encoding="utf-8").splitlines()
    for number, text in enumerate(lines):
        words = text.split()
        if words and words[0].lower() == ".tran":
            step, stop = parse_number(words[1]), parse_number(words[2])
            assert step is not None
            assert stop is not None
            uic = " uic" if words[-1].lower() == "uic" else ""
            lines[number] = f".tran {min(step, stop / steps):.9g} {stop:.9g} 0 {stop / steps:.9g}{uic}"
    lines.insert(1, TIGHT)
    with tempfile.TemporaryDirectory(prefix="validation-") as folder:
        deck, raw = Path(folder, "deck.cir"), Path(folder, "out.raw")
        deck.write_text("\n".join(lines) + "\n", encoding="utf-8")
        done = subprocess.run(
            ["ngspice", "-b", "-r", str(raw), str(deck)], capture_output=True, text=True, timeout=300, check=False
        )
        if not raw.is_file():
            raise RuntimeError(f"ngspice wrote nothing for {path.name}: {(done.stdout + done.stderr)[-600:]}")
        return _read(raw.read_bytes())


def _read(content: bytes) -> dict[str, np.ndarray]:
    begin = content.rindex(b"Title:")
    head, _, data = content[begin:].partition(b"Binary:\n")
    text = head.decode("latin-1")
    points = int(re.search(r"No\. Points:\s*(\d+)", text).group(1))  # pyright: ignore[reportOptionalMemberAccess]
    names = re.findall(r"^\t\d+\t(\S+)\t", text, re.MULTILINE)
    kind = np.complex128 if re.search(r"^Flags:.*complex", text, re.MULTILINE) else np.float64
    table = np.frombuffer(data, kind, points * len(names)).reshape(points, len(names))
    return {name.lower(): table[:, k] for k, name in enumerate(names)}
