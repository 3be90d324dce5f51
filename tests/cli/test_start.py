"""What a run loads when all it needs is compiled already."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import neurosim

ROOT = Path(neurosim.__file__).parents[1]

RUN = """
import sys
from neurosim.cli import main

assert main(["run", sys.argv[1], "-q", "--csv", "out.csv"]) == 0
print(*sorted({name.split(".")[0] for name in sys.modules} & {"numba", "scipy", "matplotlib", "xarray", "networkx"}))
"""


def test_second_run_loads_neither_numba_nor_scipy_nor_matplotlib(tmp_path: Path) -> None:
    command = [sys.executable, "-c", RUN, str(ROOT / "circuits" / "hp_sine.cir")]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    found = [
        subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True).stdout
        for _ in range(2)
    ]
    assert found[1].split() == []
