"""``neurosim sweep``, ``neurosim run --checkpoint`` and ``neurosim resume``."""

from __future__ import annotations

import numpy as np
import pytest

import neurosim as ns
from neurosim.cli import main

NETLIST = """low pass
.param load=2k
v1 in 0 dc 1
r1 in out 1k
r2 out 0 {load}
c1 out 0 1u ic=0
.tran 0.1m 2m uic
.end
"""


@pytest.fixture
def netlist(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "low.cir").write_text(NETLIST)
    return "low.cir"


def test_a_grid_with_samples_is_one_dataset(netlist, capsys):
    given = ["--param", "R1=1k..4k:3", "--log", "--mc", "2", "--tolerance", "C1=5%", "--save", "v(out)"]
    assert main(["sweep", netlist, *given, "--out", "x.nc", "--csv", "x.csv", "--plot", "x.png"]) == 0
    found = ns.load("x.nc")
    assert found.dims == ("r1.resistance", "sample", "time")
    np.testing.assert_allclose(found["r1.resistance"], [1e3, 2e3, 4e3])
    assert "wrote x.nc, x.csv, x.png" in capsys.readouterr().out
    assert len(found.attrs["drawn"]["c1.capacitance"]) == 2


def test_rows_of_an_architecture(netlist, capsys):
    given = ["--param", "rho=20,28", "--initial", "x[0]=1,2", "--rows", "--time", "1", "--out", "x.nc"]
    assert main(["sweep", "lorenz", *given]) == 0
    assert ns.load("x.nc").attrs["rows"] == {"rho": [20.0, 28.0], "x[0]": [1.0, 2.0]}


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["sweep", "low.cir", "--param", "R9=1k,2k"], "no part 'R9'"),
        (["sweep", "low.cir", "--param", "R1=1k..2k"], "FIRST..LAST:POINTS"),
        (["sweep", "low.cir", "--param", "R1=-1..2k:3", "--log"], "--log needs"),
        (["sweep", "low.cir", "--tolerance", "R1=5%"], "give samples"),
        (["sweep", "low.cir", "--mc", "2", "--tolerance", "R1=x"], "NAME=5%"),
        (["sweep", "nothing.cir", "--mc", "2"], "there is no file 'nothing.cir'"),
        (["sweep", "lorenz", "--param", "rho=1,2"], "--time is needed"),
        (["sweep", "low.cir", "--param", "R1=1k,2k", "--out", "no/x.nc"], "does not exist"),
        (["resume", "nothing.npz", "-q"], "no checkpoint 'nothing.npz'"),
    ],
)
def test_bad_input_is_told(netlist, capsys, arguments, says):
    assert main(arguments) == 2
    assert says in capsys.readouterr().err


def test_a_run_is_cut_and_resumed(netlist, capsys):
    assert main(["run", netlist, "--checkpoint", "c.npz", "--max-steps", "20", "-q"]) == 1
    assert main(["resume", "c.npz", "--out", "resumed.nc", "--plot", "none"]) == 0
    assert main(["run", netlist, "--out", "whole.nc", "--plot", "none", "-q"]) == 0
    whole, resumed = ns.load("whole.nc"), ns.load("resumed.nc")
    assert np.array_equal(whole["v(out)"], resumed["v(out)"])
    assert "wrote resumed.nc" in capsys.readouterr().out
