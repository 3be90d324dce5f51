"""``neurosim fixed-points``."""

from __future__ import annotations

import json

import pytest

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


def test_json(capsys):
    assert main(["fixed-points", "circuits/chua.cir", "--json"]) == 0
    assert len(json.loads(capsys.readouterr().out)["points"]) == 3


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["lorenz", "--plot", "x.png"], "give --follow"),
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
