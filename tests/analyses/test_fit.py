"""Fits find the truth again, say what they do not know, and refuse what cannot be fitted."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import neurosim as ns
from neurosim.cli import main
from neurosim.errors import NeurosimError, ParameterError, UnknownNameError
from neurosim.solve.dynamics import with_circuit_values

RC = "rc\nV1 in 0 SIN(0 1 1k)\nR1 in out {r}\nC1 out 0 {c}\n.tran 10u 2m\n.end"
TIMES = np.linspace(0.0, 2e-3, 41)


def rc(r: str, c: str) -> ns.Circuit:
    return ns.read_netlist(RC.replace("{r}", r).replace("{c}", c))


def samples(circuit: ns.Circuit, *names: str) -> dict[str, np.ndarray]:
    run = ns.simulate(circuit, rtol=1e-10).interpolate(TIMES)
    return {"time": TIMES, **{name: run[name] for name in names}}


def net(n: int, seed: int) -> ns.SignalGraph:
    draw = np.random.default_rng(seed)
    graph = ns.SignalGraph("net")
    graph.parameter("W", draw.normal(size=(n, n)))
    graph.state("h", n, time_constant=1.0, initial=0.5)
    graph.map("r", n, "tanh")
    graph.connect("h", "r")
    graph.connect("r", "h", weight="W")
    return graph


def test_resistance_and_capacitance_of_an_rc():
    data = samples(rc("2k", "0.1u"), "v(out)", "i(v1)")
    found = ns.fit(rc("500", "1u"), data, {"R1": (100, 1e5), "C1": (1e-9, 1e-5)}, rtol=1e-8)
    assert found.values == pytest.approx({"r1.resistance": 2e3, "c1.capacitance": 1e-7}, rel=1e-6)
    assert all(0.0 < d < 1e-5 * found.values[name] for name, d in found.uncertainty.items())
    assert found.rms["v(out)"] < 1e-7
    text = found.report()
    assert "r1.resistance" in text
    assert "residual of v(out)" in text
    axes = found.plot()
    assert len(axes) == 2
    assert axes[1].get_xlabel().startswith("time")


def test_noise_gives_the_uncertainty_that_is_seen():
    data, draw = samples(rc("2k", "0.1u"), "v(out)"), np.random.default_rng(0)
    clean, z = data["v(out)"], []
    for _ in range(12):
        data["v(out)"] = clean + 0.01 * draw.normal(size=clean.size)
        found = ns.fit(rc("1k", "0.2u"), data, {"R1": (100, 1e5)}, sigma=0.01, rtol=1e-5)
        z.append((found.values["r1.resistance"] - 2e3 * 1e-7 / 0.2e-6) / found.uncertainty["r1.resistance"])
    assert 0.4 < np.std(z) < 1.8
    assert abs(np.mean(z)) < 1.2


def test_what_the_data_does_not_see_has_no_uncertainty():
    # only the product R C shows in v(out)
    found = ns.fit(rc("1k", "0.2u"), samples(rc("2k", "0.1u"), "v(out)"), {"R1": (100, 1e5), "C1": (1e-9, 1e-5)})
    assert found.values["r1.resistance"] * found.values["c1.capacitance"] == pytest.approx(2e-4, rel=1e-4)
    assert not np.isfinite(found.uncertainty["r1.resistance"])


def test_memristor_from_its_loop():
    text = (
        "yakopcic\nV1 in 0 SIN(0 0.45 100)\nymemristor m1 in 0 cell\n.model cell memristor level=3 a1=0.17 a2=0.17 "
        "b=0.05 vp=0.16 vn=0.15 ap=4000 an=4000 xp=0.3 xn=0.5 alphap=1 alphan=5\n.tran 20u 20m\n.end"
    )
    circuit = ns.read_netlist(text)
    times = np.linspace(0.0, 20e-3, 201)
    run = ns.simulate(circuit, rtol=1e-8).interpolate(times)
    start = with_circuit_values(circuit, {"m1.a1": 0.1, "m1.b": 0.08, "m1.a_p": 2500.0})
    bounds = {"m1.a1": (0.01, 1.0), "m1.b": (0.01, 0.5), "m1.a_p": (500.0, 2e4)}
    found = ns.fit(start, {"time": times, "i(v1)": run["i(v1)"]}, bounds)
    assert found.values == pytest.approx({"m1.a1": 0.17, "m1.b": 0.05, "m1.a_p": 4000.0}, rel=2e-3)


@pytest.mark.parametrize("method", ["least_squares", "lbfgs"])
def test_weights_and_initial_states_of_a_network(method: str):
    truth, guess = net(3, 0), net(3, 0)
    weights = truth.weights()["W"]
    guess = guess.with_weights({"W": weights + 0.15 * np.random.default_rng(1).normal(size=(3, 3))})
    run = ns.simulate(truth, (0.0, 4.0), initial={"h": [1.0, -0.5, 0.8]}, rtol=1e-10, print_step=0.05, save_steps=False)
    data = {"time": run.time, "h": np.stack([run[f"h[{k}]"] for k in range(3)], axis=1)}
    found = ns.fit(
        guess, data, ["W"], initial={"h[0]": (-2, 2), "h[1]": (-2, 2), "h[2]": (-2, 2)}, method=method,
        evaluations=120, rtol=1e-7,
    )  # fmt: skip
    rel = 1e-5 if method == "least_squares" else 0.05
    assert [found.values[f"h[{k}]"] for k in range(3)] == pytest.approx([1.0, -0.5, 0.8], rel=rel)
    if method == "least_squares":
        assert [found.values[f"W[{i},{j}]"] for i in range(3) for j in range(3)] == pytest.approx(
            weights.ravel(), rel=1e-4, abs=1e-4
        )
    else:
        assert found.cost < 0.01


def test_a_start_that_was_changed_is_kept_and_adam_gets_closer():
    truth = net(2, 4)
    system = ns.dynamics(truth).with_start([1.5, -1.0])
    run = ns.simulate(truth, (0.0, 2.0), initial={"h": [1.5, -1.0]}, rtol=1e-9, print_step=0.1, save_steps=False)
    far = system.with_parameters({"h.time_constant": 1.6}).with_start([1.5, -1.0])
    bounds = {"h.time_constant": (0.5, 3.0)}
    found = ns.fit(far, run, bounds, method="adam", evaluations=120, rate=0.03)
    assert found.values["h.time_constant"] == pytest.approx(1.0, abs=0.05)
    assert ns.fit(far, run, bounds).values["h.time_constant"] == pytest.approx(1.0, rel=1e-5)


def test_many_starts_leave_a_wrong_valley():
    # the frequency of an oscillation has many local minima
    text = "lc\nI1 0 a 0\nC1 a 0 1u ic=1\nL1 a 0 {l}\nR1 a 0 10k\n.tran 50u 4m uic\n.end"
    times = np.linspace(0.0, 4e-3, 41)
    run = ns.simulate(ns.read_netlist(text.replace("{l}", "10m")), rtol=1e-8).interpolate(times)
    data = {"time": times, "v(a)": run["v(a)"]}
    wrong = ns.read_netlist(text.replace("{l}", "60m"))
    one = ns.fit(wrong, data, {"L1": (5e-3, 0.1)}, rtol=1e-3, evaluations=10)
    many = ns.fit(wrong, data, {"L1": (5e-3, 0.1)}, starts=6, rtol=1e-3, evaluations=10, seed=1)
    assert many.values["l1.inductance"] == pytest.approx(10e-3, rel=1e-3)
    assert one.cost > 100 * many.cost
    assert len(many.starts) == 6


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        ({"parameters": {"R7": (1, 2)}}, UnknownNameError, "R7"),
        ({"parameters": {"R1": (1e4, 10)}}, ParameterError, "less than"),
        ({"parameters": {"R1": (1, float("nan"))}}, ParameterError, "less than"),
        ({"parameters": {"R1": 3}}, ParameterError, "low, high"),
        ({"parameters": {}}, ParameterError, "what to fit"),
        ({"parameters": {"R1": (1, 1e4), "r1.resistance": (1, 1e4)}}, ParameterError, "twice"),
        ({"parameters": ["R1"], "starts": 2}, ParameterError, "bounds"),
        ({"parameters": ["R1"], "method": "newton"}, ParameterError, "lbfgs"),
        ({"parameters": ["R1"], "initial": {"v(out)": (0, 1)}}, ParameterError, "initial"),
        ({"parameters": ["R1"], "sigma": -1.0}, ParameterError, "sigma"),
        ({"parameters": ["R1"], "data": {"v(out)": TIMES}}, ParameterError, "time"),
        ({"parameters": ["R1"], "data": {"time": TIMES}}, ParameterError, "column"),
        ({"parameters": ["R1"], "data": {"time": TIMES, "v(out)": TIMES[1:]}}, ParameterError, "shape"),
        ({"parameters": ["R1"], "data": {"time": TIMES, "v(out)": np.nan * TIMES}}, ParameterError, "no sample"),
        ({"parameters": ["R1"], "data": {"time": TIMES[::-1], "v(out)": TIMES}}, ParameterError, "rise"),
        ({"parameters": ["R1"], "data": {"time": TIMES - 1.0, "v(out)": TIMES}}, ParameterError, "from 0"),
        ({"parameters": ["R1"], "data": {"time": TIMES, "v(nowhere)": TIMES}}, UnknownNameError, "nowhere"),
        ({"parameters": ["R1"], "data": "missing.csv"}, NeurosimError, "missing.csv"),
    ],
)
def test_bad_input(change: dict, error: type[Exception], words: str):
    arguments = {"data": {"time": TIMES, "v(out)": TIMES}, **change}
    with pytest.raises(error, match=words):
        ns.fit(rc("1k", "1u"), arguments.pop("data"), arguments.pop("parameters"), **arguments)


def test_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    monkeypatch.chdir(tmp_path)
    Path("rc.cir").write_text(RC.replace("{r}", "700").replace("{c}", "0.1u"))
    ns.save(ns.simulate(rc("2k", "0.1u"), rtol=1e-8), "data.csv")
    arguments = ["fit", "rc.cir", "--data", "data.csv", "--param", "R1=100..100k", "--out", "f.json", "--plot", "f.png"]
    assert main(arguments) == 0
    assert "r1.resistance" in capsys.readouterr().out
    assert '"r1.resistance": 2000.0' in Path("f.json").read_text() or "1999.99" in Path("f.json").read_text()
    assert Path("f.png").read_bytes().startswith(b"\x89PNG")
    for wrong, words in (
        (["fit", "rc.cir", "--data", "no.csv", "--param", "R1=1..2"], "no.csv"),
        (["fit", "rc.cir", "--data", "data.csv", "--param", "R1=1-2"], "LOW..HIGH"),
        (["fit", "rc.cir", "--data", "data.csv", "--param", "R9=1..2"], "R9"),
        (["fit", "no.cir", "--data", "data.csv", "--param", "R1=1..2"], "no.cir"),
    ):
        assert main(wrong) == 2
        told = capsys.readouterr().err
        assert words in told
        assert "Traceback" not in told
