"""``neurosim network``."""

from __future__ import annotations

import json

import numpy as np
import pytest

import neurosim as ns
from neurosim.cli import main

SMALL = ["nanowires", "--set", "number=40", "--set", "width=16e-6", "--set", "height=16e-6", "--set", "seed=1"]


def test_from_nothing_to_a_figure_and_back_from_a_graph_file(tmp_path, capsys):
    figure, graph, out = tmp_path / "net.png", tmp_path / "net.graphml", tmp_path / "net.csv"
    places = ["--plot", str(figure), "--graph", str(graph), "--out", str(out)]
    assert main(["network", *SMALL, "--time", "1", "--drive", "0.1", *places]) == 0
    shown = capsys.readouterr().out
    assert "'left' driven, right at 0 V" in shown
    assert "best path of" in shown
    assert figure.stat().st_size > 20_000
    assert out.stat().st_size > 1000
    first = ["network", str(graph), "--device", "nanowire_junction", "--time", "1", "--drive", "0.1", "--json"]
    assert main(first) == 0
    again = json.loads(capsys.readouterr().out)
    assert main(["network", *SMALL, "--time", "1", "--drive", "0.1", "--json"]) == 0
    same = json.loads(capsys.readouterr().out)
    assert again["conductance"] == same["conductance"]
    assert same["conductance"]["largest"] > same["conductance"]["least"] > 0.0


def test_other_networks_and_the_equation(capsys):
    assert main(["network", "square_lattice", "--set", "rows=3", "--set", "columns=3", "--convention", "flipped",
                 "--param", "alpha=2", "--time", "0.1", "--json"]) == 0  # fmt: skip
    assert json.loads(capsys.readouterr().out)["electrodes"] == ["r1c0", "r1c2"]
    assert main(["network", "crossbar", "--set", "rows=2", "--set", "columns=2", "--convention", "standard",
                 "--electrodes", "row0,column0,column1", "--time", "0.01", "--json"]) == 0  # fmt: skip
    assert json.loads(capsys.readouterr().out)["edges"] == 4 + 8


def test_a_saved_network_and_a_netlist_run_and_compare(tmp_path, capsys):
    made = ["square_lattice", "--set", "rows=3", "--set", "columns=3", "--convention", "flipped", "--param", "alpha=2"]
    run = ["--time", "0.01", "--drive", "SIN(0 0.2 5)", "--json"]
    assert main(["network", *made, *run, "--save", str(tmp_path / "net.json")]) == 0
    first = json.loads(capsys.readouterr().out)
    assert main(["network", str(tmp_path / "net.json"), "--time", "0.01", "--json",
                 "--save", str(tmp_path / "net.cir")]) == 0  # fmt: skip
    second = json.loads(capsys.readouterr().out)
    assert second["conductance"] == first["conductance"]
    assert main(["network", str(tmp_path / "net.cir"), "--time", "0.01", "--json"]) == 0
    third = json.loads(capsys.readouterr().out)
    assert third["conductance"]["last"] == pytest.approx(first["conductance"]["last"], rel=1e-4)
    assert main(["network", str(tmp_path / "net.json"), "--time", "0.01", "--param", "alpha=1"]) == 2
    assert "holds a whole network" in capsys.readouterr().err
    for name in ("net.json", "net.cir"):
        assert main(["compare", str(tmp_path / name), "--duration", "0.002", "--dt", "1e-4"]) == 0
        assert "Observed order" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["nanowire", "--time", "1"], "did you mean 'nanowires'"),
        (["nanowires", "--set", "lenght=1e-6", "--time", "1"], "did you mean 'length'"),
        (["nanowires", "--set", "number=20", "--set", "seed=3", "--time", "1"], "percolate"),
        (["square_lattice", "--time", "1"], "give --convention"),
        (["square_lattice", "--convention", "flipped", "--electrodes", "r0c0,zz", "--time", "1"], "'zz' is no node"),
        (["square_lattice", "--convention", "flipped", "--electrodes", "r0c0", "--time", "1"], "two different nodes"),
        (["square_lattice", "--convention", "flipped", "--param", "speed=2", "--time", "1"], "speed"),
        (["square_lattice", "--convention", "flipped", "--time", "-1"], "must be positive"),
        (["nanowires", "--time", "1", "--plot", "/nowhere/x.png"], "does not exist"),
        (["nowhere.graphml", "--time", "1"], "there is no file"),
    ],
)
def test_bad_input_is_named(arguments, says, capsys):
    assert main(["network", *arguments]) == 2
    assert says in capsys.readouterr().err


def test_a_run_is_cut_and_resumed_from_the_network_beside_its_checkpoint(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    run = ["network", "square_lattice", "--set", "rows=3", "--set", "columns=3", "--convention", "flipped",
           "--time", "2", "--checkpoint-every", "0"]  # fmt: skip
    assert main([*run, "--checkpoint", "whole.npz", "--out", "whole.nc"]) == 0
    assert main([*run, "--checkpoint", "c.npz", "--max-seconds", "0"]) == 1
    assert "the wall time limit of 0 s" in capsys.readouterr().err
    assert main(["resume", "c.npz", "--out", "resumed.nc", "--plot", "none"]) == 0
    whole, resumed = ns.load("whole.nc"), ns.load("resumed.nc")
    assert all(np.array_equal(whole[name], resumed[name]) for name in resumed.columns)
    (tmp_path / "c.json").rename("moved.json")
    assert main(["resume", "c.npz"]) == 2
    assert "neurosim resume c.npz FILE.json" in capsys.readouterr().err
    assert main(["resume", "c.npz", "moved.json", "-q", "--plot", "none"]) == 0
    assert main(["resume", "c.npz", "moved.npz"]) == 2
