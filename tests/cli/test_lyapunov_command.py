"""``neurosim lyapunov``."""

from __future__ import annotations

import json

import pytest

from neurosim.cli import main


def test_flow_with_report_and_figure(tmp_path, capsys):
    arguments = ["lorenz", "--time", "60", "--out", str(tmp_path / "report"), "--plot", str(tmp_path / "l.png")]
    assert main(["lyapunov", *arguments]) == 0
    shown = capsys.readouterr().out
    assert "Kaplan-Yorke dimension" in shown
    assert "mean divergence -13.666" in shown
    assert (tmp_path / "l.png").stat().st_size > 5000
    values = json.loads((tmp_path / "report" / "report.json").read_text())
    assert sum(values["exponents"]) == pytest.approx(values["mean_divergence"], abs=1e-3)
    assert "| 1 | +" in (tmp_path / "report" / "report.md").read_text()


def test_map_and_netlist(capsys):
    assert main(["lyapunov", "henon", "--steps", "5000", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["kind"] == "chaos"
    assert main(["lyapunov", "circuits/chua.cir", "--time", "60", "--exponents", "1"]) == 0
    assert "1 of 3 Lyapunov exponents" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["lorenz", "--time", "-1"], "must be positive"),
        (["lorenz", "--exponents", "9"], "has 3 exponents"),
        (["lorenz", "--plot", "/nowhere/x.png"], "does not exist"),
        (["lorenz", "--method", "euler"], "has no tangent"),
        (["lorenzo"], "did you mean 'lorenz'"),
    ],
)
def test_bad_input(arguments, says, capsys):
    assert main(["lyapunov", *arguments]) == 2
    assert says in capsys.readouterr().err
