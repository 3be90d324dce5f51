"""``neurosim energy``."""

from __future__ import annotations

import json

import pytest

from neurosim.cli import main


def test_network(tmp_path, capsys):
    figures = [str(tmp_path / "e.png"), str(tmp_path / "l.png")]
    assert main(["energy", "hopfield", "--set", "units=5", "--plot", figures[0], "--landscape", figures[1]]) == 0
    shown = capsys.readouterr().out
    assert "beyond tolerance   none" in shown
    assert all((tmp_path / name).stat().st_size > 5000 for name in ("e.png", "l.png"))


def test_circuit(capsys):
    assert main(["energy", "circuits/rc_step.cir", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["residual_of_power"] < 1e-8


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["lstm"], "not known to descend an energy"),
        (["hopfield", "--time", "-1"], "must be positive"),
        (["circuits/chua.cir", "--landscape", "x.png"], "balance of power"),
        (["hopfield", "--plot", "/nowhere/x.png"], "does not exist"),
        (["circuits/rc_step.cir", "--set", "r1.resistance=abc"], "is not a number"),
        (["circuits/rc_step.cir", "--set", "r9.resistance=1"], "no parameter 'r9.resistance'"),
    ],
)
def test_bad_input(arguments, says, capsys):
    assert main(["energy", *arguments]) == 2
    assert says in capsys.readouterr().err
