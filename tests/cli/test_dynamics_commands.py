"""``neurosim phase``, ``poincare``, ``limit-cycle``, ``bifurcation`` and ``basins``."""

from __future__ import annotations

import json

import pytest

from neurosim.cli import main
from neurosim.cli.plane import extent_from, plane_from
from neurosim.errors import ParameterError


@pytest.mark.parametrize(
    ("command", "says"),
    [
        (["phase", "van_der_pol", "--extent=-3..3", "--extent=-4..4", "--points", "21"], "unstable focus"),
        (["poincare", "lorenz", "x[2] = 27", "--time", "30"], "crossings of x[2] = 27, up"),
        (["limit-cycle", "van_der_pol"], "6.66328685932 s"),
        (["bifurcation", "henon", "--param", "a=0.2..1.2:11", "--time", "30"], "over 11 values of a"),
        (["basins", "lorenz", "--set", "rho=8", "--points", "6", "--extent", "9", "--time", "20"], "2 attractors"),
    ],
)
def test_text_figure_and_json(command, says, tmp_path, capsys):
    figure = tmp_path / "figure.png"
    assert main([*command, "--plot", str(figure)]) == 0
    shown = capsys.readouterr().out
    assert says in shown
    assert f"wrote {figure}" in shown
    assert figure.stat().st_size > 5000
    assert main([*command, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["title"] == command[1].replace("_", " ")


def test_table_of_points(tmp_path, capsys):
    table = tmp_path / "points.csv"
    assert main(["poincare", "circuits/chua.cir", "v(b)", "--time", "50", "--csv", str(table)]) == 0
    lines = table.read_text().splitlines()
    assert lines[0] == "time,v(a),v(b),i(l1)"
    assert abs(float(lines[1].split(",")[2])) < 1e-8
    assert "wrote" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["phase", "lorenz", "--plane", "x[0]"], 2, "two addresses"),
        (["phase", "lorenz", "--plane", "x[0],x[7]"], 2, "x[7]"),
        (["phase", "lorenz", "--centre", "x[0]"], 2, "--centre"),
        (["phase", "mackey_glass"], 2, "delays"),
        (["poincare", "lorenz", "x[2] = "], 2, "must look like"),
        (["poincare", "lorenz", "x[2]", "--time", "-1"], 2, "must be positive"),
        (["limit-cycle", "lorenz", "--set", "rho=10"], 1, "comes to rest"),
        (["limit-cycle", "henon"], 2, "is a map"),
        (["bifurcation", "lorenz", "--param", "rho=1..2:x"], 2, "whole number"),
        (["bifurcation", "lorenz", "--param", "roh=1..2:3"], 2, "did you mean 'rho'"),
        (["basins", "lorenz", "--extent", "a"], 2, "not a number"),
        (["basins", "lorenz", "--plot", "/no/where.png"], 2, "does not exist"),
    ],
)
def test_bad_input(arguments, code, says, capsys):
    assert main(arguments) == code
    shown = capsys.readouterr().err
    assert says in shown
    assert "Traceback" not in shown


def test_addresses_may_hold_commas():
    assert plane_from("W[0,1],v(a,b)") == ("W[0,1]", "v(a,b)")
    assert extent_from(["-1..2", "0..5m"]) == [[-1.0, 2.0], [0.0, 5e-3]]
    with pytest.raises(ParameterError, match="two ranges"):
        extent_from(["-1..2"])
