"""Circuits as memristive networks and back: the same trajectories, and named refusals."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import networkx as nx
import numpy as np
import pytest

import neurosim as ns
from neurosim.errors import ParameterError

NETLIST = """bridge
V1 in 0 SIN(0 1.5 2)
V2 mid low DC 0.4
I1 0 c DC 20u
YMEMRISTOR m1 in c lin
YMEMRISTOR m2 c mid lin x0=0.6
YMEMRISTOR m3 low 0 lin
YMEMRISTOR m4 0 c vt
R1 c 0 2k
R2 in low 5k
.model lin memristor(level=101 r_on=100 r_off=16k window=joglekar x0=0.3)
.model vt memristor(level=104 k_off=5e-9 k_on=-1e-9 w0=1n)
.tran 1m 0.4
.end
"""


def test_same_trajectory_as_the_circuit_engine() -> None:
    circuit = ns.read_netlist(NETLIST)
    net = ns.MemristiveNetwork.from_circuit(circuit)
    assert sorted(net.names) == ["m1", "m2", "m3", "m4", "r1", "r2"]
    ours = ns.simulate(net, (0.0, 0.4), rtol=1e-10, method="dop853", save=["states", "i(r1)"], print_step=5e-3)
    theirs = ns.simulate(circuit, (0.0, 0.4), rtol=1e-10, print_step=5e-3)
    for name in ("m1.x", "m2.x", "m3.x", "m4.w"):
        scale = 3e-9 if name == "m4.w" else 1.0
        both = np.intersect1d(ours["time"], theirs["time"])
        picked = [np.array([r[name][np.searchsorted(r["time"], t)] for t in both]) for r in (ours, theirs)]
        assert both.size >= 40
        assert np.abs(picked[0] - picked[1]).max() < 1e-7 * scale, name
        assert np.ptp(picked[0]) > 1e-4 * scale


def network(**more: object) -> ns.MemristiveNetwork:
    graph = nx.MultiDiGraph()
    graph.add_edge("a", "b", initial=0.3)
    graph.add_edge("a", "b", initial=0.5, polarity=-1)
    graph.add_edge("b", "c", initial=0.6, emf="SIN(0 0.5 3)")
    graph.add_edge("c", "a", resistance=2e3)
    graph.add_edge("p", "q")
    graph.add_edge("q", "p", emf=0.2)
    settings = {"convention": "flipped", "beta": 1.6, "alpha": 0.3, "electrodes": {"a": "SIN(0 1 2)", "c": 0.0},
                "currents": {"b": 1e-4}} | more  # fmt: skip
    return ns.MemristiveNetwork(graph, **settings)  # type: ignore[arg-type]


@pytest.mark.parametrize("convention", ["standard", "flipped"])
def test_there_and_back(convention: str) -> None:
    net = network(convention=convention, beta=1.6 if convention == "flipped" else 1e-2)
    text = ns.write_netlist(net.to_circuit(0.3))
    circuit = ns.read_netlist(text)
    back = ns.MemristiveNetwork.from_circuit(circuit)
    settings = {"rtol": 1e-10, "print_step": 0.05, "save_steps": False}
    first = ns.simulate(net, (0.0, 0.3), method="dop853", **settings)
    again = ns.simulate(back, (0.0, 0.3), method="dop853", **settings)
    engine = ns.simulate(circuit, (0.0, 0.3), **settings)
    for k in (0, 1, 2, 4, 5):
        assert again[f"m{k}.x"] == pytest.approx(first[f"m[{k}].x"], abs=1e-9)
        assert engine[f"m{k}.x"] == pytest.approx(first[f"m[{k}].x"], abs=1e-7)
        assert np.ptp(first[f"m[{k}].x"]) > 1e-3


def test_the_text_for_ngspice(tmp_path: Path) -> None:
    net = network()
    text = net.to_ngspice(0.3)
    ours = ns.simulate(net, (0.0, 0.3), rtol=1e-9)
    read = ns.simulate(ns.read_netlist(text), (0.0, 0.3), rtol=1e-8)
    names = {f"xm{k}.x": k for k in (0, 1, 2, 4, 5)}
    for name, k in names.items():
        assert read[f"v({name})"][-1] == pytest.approx(ours[f"m[{k}].x"][-1], abs=1e-6)
    if shutil.which("ngspice") is None:
        return
    shown = " ".join(f"v({name})" for name in names)
    control = f".control\nrun\nset wr_singlescale\nwrdata {tmp_path}/out.data {shown}\n.endc\n.end\n"
    (tmp_path / "net.cir").write_text(text[: text.rindex(".end\n")] + control)
    subprocess.run(["ngspice", "-b", "net.cir"], cwd=tmp_path, check=False, capture_output=True, timeout=60)
    table = np.loadtxt(tmp_path / "out.data")
    for column, k in enumerate(names.values(), start=1):
        assert table[-1, column] == pytest.approx(ours[f"m[{k}].x"][-1], abs=2e-4)


def test_other_parts_are_refused_by_name() -> None:
    def refused(text: str) -> str:
        with pytest.raises(ParameterError) as caught:
            ns.MemristiveNetwork.from_circuit(ns.read_netlist(text))
        return str(caught.value)

    assert "part 'c7' is a capacitor" in refused("t\nV1 a 0 1\nR1 a b 1k\nC7 b 0 1u\n.end")
    chain = "t\nV1 a b SIN(0 1 1)\nV2 b c SIN(0 1 2)\nR1 a d 1k\nR2 c d 1k\nR3 c 0 1k\n.end"
    assert "'v2' and 'v1' act in one place" in refused(chain)
    with pytest.raises(ParameterError, match="no form that ngspice reads"):
        network(window="joglekar").to_ngspice()


def test_a_source_on_an_electrodes_source_is_an_emf() -> None:
    net = ns.MemristiveNetwork.from_circuit(
        ns.read_netlist("t\nV1 a 0 SIN(0 1 1)\nV2 b a SIN(0 1 2)\nR1 b 0 1k\nR2 a 0 2k\n.end")
    )
    assert set(net.electrodes) == {"a", "0"}
    t = 0.1
    first, second = np.sin(2 * np.pi * t), np.sin(4 * np.pi * t)
    assert net.currents(t=t) == pytest.approx([(first + second) / 1e3, first / 2e3], rel=1e-12)


def test_a_form_of_resistance_makes_no_resistor() -> None:
    net = ns.MemristiveNetwork(
        nx.path_graph(["0", "a", "b"]), device=("vteam", {"resistance": "linear"}), electrodes={"b": 1.0, "0": 0.0}
    )
    again = ns.MemristiveNetwork.from_circuit(net.to_circuit())
    assert again.is_memristive.all()
    assert again.rhs(0.0, again.state) == pytest.approx(net.rhs(0.0, net.state), rel=1e-12)
