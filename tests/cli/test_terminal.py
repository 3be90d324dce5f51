"""Tables, numbers and progress."""

import io
import re

import numpy as np

from neurosim.cli.report import print_result
from neurosim.cli.terminal import ROWS_SHOWN, print_table, progress_bar, quantity
from neurosim.kernels import abi
from neurosim.results import Column, Result


def test_quantities_have_a_prefix_only_with_a_unit():
    assert quantity(0.0047, "V") == "4.7 mV"
    assert quantity(0.0047) == "0.0047"
    assert quantity(3 + 4j, "V") == "5 V"
    assert quantity(float("nan"), "V") == "-"


def test_long_tables_end_in_a_count(capsys):
    print_table("t", ["name", ">n"], [[f"x{k}", str(k)] for k in range(30)], limit=ROWS_SHOWN)
    lines = capsys.readouterr().out.splitlines()
    assert lines[-1] == "... and 6 more"
    assert len(lines) == 3 + ROWS_SHOWN + 1


def test_names_are_not_read_as_markup(capsys):
    print_table("", ["name"], [["v(x[0])"], ["[red]"], [":smile:"]])
    out = capsys.readouterr().out
    assert "v(x[0])" in out
    assert "[red]" in out
    assert ":smile:" in out


def test_stepped_and_empty_results_can_be_shown(capsys):
    stepped = Result.build(
        "time", [0.0, 1.0], {"v(a)": Column(np.array([[1.0, 2.0], [np.nan, 4.0]]), "V")},
        extra_dims={"r1": Column([1e3, 2e3], "ohm")}, measures={"top": np.array([2.0, np.nan]), "half": 1.0},
        attrs={"runs": [{"seconds": 0.5, "statistics": {"method": "bdf2", "steps": 3, "rejected": 1}}] * 2},
    )  # fmt: skip
    print_result(stepped)
    print_result(Result.build("time", [], {"v(a)": []}))
    out = capsys.readouterr().out
    assert "r1 1 kohm to 2 kohm, 2 points; time 0 s to 1 s, 2 points" in out
    assert re.search(r"v\(a\) +1 V +4 V", out)
    assert re.search(r"2000 +failed +1", out)
    assert "bdf2, 6 steps and 2 rejected, 1 s" in out
    assert "time: no points" in out


class Terminal(io.StringIO):
    """A stream that claims to be a terminal."""

    def isatty(self) -> bool:
        return True


def test_progress_is_drawn_on_a_terminal_only(monkeypatch, capsys):
    with progress_bar(True) as start:
        assert start("tran") is None
    assert capsys.readouterr().err == ""
    screen = Terminal()
    monkeypatch.setattr("sys.stderr", screen)
    with progress_bar(False) as start:
        assert start("tran") is None
    assert screen.getvalue() == ""
    monkeypatch.setattr(abi, "_listeners", [])
    with progress_bar(True) as start:
        progress = start("tran")
        assert progress is not None
        for name in ("one", "two"):
            abi._listeners[0](name)
        progress(0.001, 0.004)
    shown = screen.getvalue()
    assert shown.count("compiling kernels (first time only)") == 1
    assert "25%" in shown
    assert "1 ms of 4 ms" in shown
