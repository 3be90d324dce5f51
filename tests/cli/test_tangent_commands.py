"""``neurosim covariant-vectors``, ``contraction-rate``, ``conditional-exponents``, ``power-spectrum``; networks."""

from __future__ import annotations

import json

import networkx as nx
import pytest

import neurosim as ns
from neurosim.cli import main


def save_network(folder, drive):
    graph = nx.MultiGraph(nx.cycle_graph(4))
    graph.add_edge(0, 2)
    place = folder / "net.json"
    ns.save(ns.MemristiveNetwork(graph, electrodes={0: drive, 2: 0.0}, convention="standard"), place)
    return str(place)


@pytest.fixture
def saved(tmp_path):
    return save_network(tmp_path, 1.0)


@pytest.mark.parametrize(
    ("command", "says"),
    [
        (["covariant-vectors", "lorenz", "--time", "15"], "3 covariant vectors"),
        (["contraction-rate", "hopfield", "--time", "5"], "contraction rate"),
        (["contraction-rate", "hopfield", "--region", "u=-1..1", "--norm", "inf", "--best"], "proven everywhere"),
        (["conditional-exponents", "echo_state", "--time", "40", "--drives", "2"], "forgets its start"),
        (["power-spectrum", "van_der_pol", "--time", "400", "--samples", "4096"], "x[0]  largest at 0.15"),
    ],
)
def test_text_and_figure(command, says, tmp_path, capsys):
    figure = tmp_path / "figure.png"
    assert main([*command, "--plot", str(figure)]) == 0
    shown = capsys.readouterr().out
    assert says in shown
    assert f"wrote {figure}" in shown
    assert figure.stat().st_size > 5000


def test_json(capsys):
    assert main(["contraction-rate", "lorenz", "--time", "1", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["norm"] == "2"
    assert main(["conditional-exponents", "echo_state", "--time", "40", "--drives", "1", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["has_echo_states"] is True


@pytest.mark.parametrize(
    ("command", "says"),
    [
        (["energy", "--time", "1"], "beyond tolerance   none"),
        (["fixed-points"], "all states at their bounds"),
        (["lyapunov", "--time", "0.1"], "5 of 5 Lyapunov exponents"),
        (["phase", "--time", "1", "--points", "11"], "stable node"),
        (["basins", "--time", "5", "--points", "4"], "100.00 %  stable node"),
        (["bifurcation", "--param", "v(0)=0.5..2:2", "--time", "5", "--kind", "samples"], "over 2 values"),
        (["poincare", "m[0].x=0.3", "--time", "1"], "crossings"),
        (["power-spectrum", "--time", "1", "--samples", "512"], "5 spectra"),
        (["contraction-rate", "--time", "0.1"], "contraction rate"),
        (["covariant-vectors", "--time", "0.1"], "5 covariant vectors"),
    ],
)
def test_every_command_takes_a_saved_memristive_network(command, says, saved, capsys):
    name, *options = command
    assert main([name, saved, *options]) == 0
    assert says in capsys.readouterr().out


def test_a_driven_network_has_a_family_of_orbits(tmp_path, capsys):
    # Without decay only the charge that passed counts: every start gives an orbit, but those that meet a bound.
    assert main(["limit-cycle", save_network(tmp_path, "SIN(0 1 1)"), "--period", "1"]) == 0
    assert "neutral in 4 directions" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["conditional-exponents", "lorenz"], "no input ports"),
        (["conditional-exponents", "hopfield", "--drive", "I"], "must look like PORT=WAVEFORM"),
        (["power-spectrum", "henon"], "no frequencies"),
        (["contraction-rate", "hopfield", "--region", "q=0..1"], "no unknown 'q'"),
        (["covariant-vectors", "circuits/rc_step.cir", "--steps", "5"], "give --time, not --steps"),
    ],
)
def test_bad_input(arguments, says, capsys):
    assert main(arguments) == 2
    assert says in capsys.readouterr().err


def test_a_network_must_say_how_long(saved, capsys):
    for command in ("lyapunov", "energy", "basins", "power-spectrum"):
        assert main([command, saved]) == 2
        assert "--time" in capsys.readouterr().err.replace("duration=", "--time")
