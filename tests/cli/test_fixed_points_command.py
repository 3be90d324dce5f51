"""``neurosim fixed-points``."""

from __future__ import annotations

import json

import pytest

import neurosim as ns
from neurosim.architectures import architectures
from neurosim.cli import main


def test_points_and_branch(tmp_path, capsys):
    assert main(["fixed-points", "lorenz", "--set", "rho=20"]) == 0
    assert "3 fixed points" in capsys.readouterr().out
    figure = tmp_path / "branch.png"
    assert main(["fixed-points", "lorenz", "--follow", "rho=0.5..3", "--switch", "--plot", str(figure)]) == 0
    shown = capsys.readouterr().out
    assert "branch point     rho = 1" in shown
    assert shown.count("rho = 1 .. 3") == 2
    assert figure.stat().st_size > 5000


@pytest.mark.parametrize("name", ["lorenz", "henon"])
def test_points_are_drawn(name, tmp_path, capsys):
    assert main(["fixed-points", name, "--plot", str(tmp_path / "points.png")]) == 0
    assert "wrote" in capsys.readouterr().out
    assert (tmp_path / "points.png").stat().st_size > 5000
    found = ns.fixed_points(architectures.get(name).build())
    plane, spectrum = found.plot()
    drawn = [line for line in plane.lines if line.get_marker() != "None"]
    assert [line.get_xydata()[0].tolist() for line in drawn] == [
        [p.state[found.names.index(axis)] for axis in (plane.get_xlabel(), plane.get_ylabel())] for p in found.points
    ]
    assert [line.get_xdata().size for line in spectrum.lines[: len(found)]] == [len(p.state) for p in found.points]


def test_json(capsys):
    assert main(["fixed-points", "circuits/chua.cir", "--json"]) == 0
    assert len(json.loads(capsys.readouterr().out)["points"]) == 3


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["lorenz", "--switch"], "give --follow"),
        (["lorenz", "--follow", "rho"], "must look like NAME=A..B"),
        (["lorenz", "--follow", "roh=1..2"], "did you mean 'rho'"),
        (["lorens"], "did you mean 'lorenz'"),
        (["nothing.cir"], "nothing.cir"),
        (["lstm"], ""),
    ],
)
def test_bad_input(arguments, says, capsys):
    code = main(["fixed-points", *arguments])
    shown = capsys.readouterr()
    assert code == (0 if arguments == ["lstm"] else 2)
    assert says in shown.err
