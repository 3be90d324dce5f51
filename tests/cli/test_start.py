"""What a run loads when all it needs is compiled already."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import neurosim

ROOT = Path(neurosim.__file__).parents[1]

LOADED = """
def loaded():
    heavy = {"numba", "scipy", "matplotlib", "xarray", "pandas", "networkx"}
    print(",".join(sorted({name.split(".")[0] for name in sys.modules} & heavy)) or "nothing")
"""

RUN = f"""
import sys
from neurosim.cli import main
{LOADED}
for option in ("--csv=x.csv", "--plot=x.png", "--out=x.nc"):
    assert main(["run", sys.argv[1], "-q", option]) == 0
    loaded()
"""

SPIKES = f"""
import sys
import neurosim as ns
{LOADED}
graph = ns.architectures.liquid((3, 2, 2), inputs=2)
ns.simulate(graph, (0.0, 0.01), dt=1e-4, drive={{"train": ns.spike_trains([1e-3], [0])}})
loaded()
print(*sorted({{".".join(name.split(".")[:2]) for name in sys.modules if name.startswith("neurosim.")}}))
print(*sorted(name for name in sys.modules if name.startswith("neurosim.architectures.")))
"""


def second_run(code: str, folder: Path, *arguments: str) -> list[str]:
    """Lines of a process that has been run before."""
    command = [sys.executable, "-c", code, *arguments]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    for _ in range(2):
        done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=True)
    return done.stdout.splitlines()


def test_a_table_needs_neither_numba_nor_scipy_a_figure_only_matplotlib_and_netcdf_scipy(tmp_path: Path) -> None:
    netlist = str(ROOT / "circuits" / "hp_sine.cir")
    assert second_run(RUN, tmp_path, netlist) == ["nothing", "matplotlib", "matplotlib,scipy"]


def test_spikes_need_nothing_of_circuits_and_no_other_architecture(tmp_path: Path) -> None:
    heavy, rooms, architectures = second_run(SPIKES, tmp_path)
    assert heavy == "networkx,scipy"
    assert not {"neurosim.circuit", "neurosim.expressions", "neurosim.memristive", "neurosim.plots"} & {*rooms.split()}
    assert architectures.split() == ["neurosim.architectures.architecture", "neurosim.architectures.liquid"]
