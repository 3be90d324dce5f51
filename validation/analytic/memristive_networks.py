"""Memristive networks against closed forms: one device, reductions, saddle-node, conservation, lattices, gradients."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import networkx as nx
import numpy as np
from scipy.integrate import quad

import neurosim as ns
from validation.case import Case, Context

CTDV = "Caravelli, Traversa & Di Ventra, Phys. Rev. E 95, 022140 (2017), arXiv:1608.08651"
SCIENCE = "Caravelli, Sheldon & Traversa, Sci. Adv. 7, abh1542 (2021), arXiv:2102.03385"
R_ON, R_OFF, BETA = 100.0, 16e3, 1e-2
XI, CHI = (R_OFF - R_ON) / R_ON, (R_OFF - R_ON) / R_OFF


def cases(context: Context) -> Iterator[Case]:
    """All cases."""
    yield _one_device()
    yield _switching_time()
    yield _smallest_resistance()
    yield _series()
    yield _parallel()
    yield _saddle_node()
    yield from _escape(context)
    yield _cut_space_law()
    yield from _lattice(context)
    yield _gradient_cost()


def _pair(**settings: object) -> ns.MemristiveNetwork:
    return ns.MemristiveNetwork(nx.path_graph(2), **settings)  # type: ignore[arg-type]


def _one_device() -> Case:
    start, amplitude, frequency = 0.6, 1.0, 2.0
    net = _pair(convention="standard", initial=start, electrodes={0: f"SIN(0 {amplitude} {frequency})", 1: 0.0})
    run = ns.simulate(net, (0.0, 1.0), method="dop853", rtol=1e-11)
    flux = amplitude * (1.0 - np.cos(2 * np.pi * frequency * run.time)) / (2 * np.pi * frequency)
    exact = (np.sqrt((1.0 + XI * start) ** 2 - 2.0 * XI * flux / BETA) - 1.0) / XI
    error = float(np.abs(run["m[0].x"] - exact).max())
    return Case(
        "one memristor driven by a sine", CTDV, "largest difference of w",
        "w = (sqrt((1 + xi w0)^2 - 2 xi phi/beta) - 1)/xi", f"{error:.1e}", error, 1e-9,
        "rtol = 1e-11 over 1 s",
    )  # fmt: skip


def _switching_time() -> Case:
    volts = 0.5
    net = _pair(convention="standard", initial=1.0, electrodes={0: volts, 1: 0.0})
    run = ns.simulate(net, (0.0, 2.0), method="dop853", rtol=1e-11, print_step=0.01)
    exact = BETA * (1.0 + XI / 2.0) / volts
    # From the last point inside, the rest of the way takes beta (w + xi w^2 / 2) / V.
    last = int(np.flatnonzero(run["m[0].x"] > 0.01)[-1])
    w = run["m[0].x"][last]
    ours = float(run.time[last] + BETA * (w + XI * w * w / 2.0) / volts)
    pinned = bool((run["m[0].x"][run.time > exact + 0.05] == 0.0).all())
    error = abs(ours / exact - 1.0) if pinned else np.inf
    return Case(
        "switching time at a constant voltage", CTDV, "time from w = 1 to 0 [s]", f"{exact:.9g}", f"{ours:.9g}", error,
        1e-8, "rtol = 1e-11; afterwards w must stay at 0",
    )  # fmt: skip


def _smallest_resistance() -> Case:
    volts, frequency, start, k = 1.0, 1.0, 11e3, 1e4
    net = _pair(
        device=("linear_drift", {"initial_resistance": start}), electrodes={0: f"SIN(0 {volts} {frequency})", 1: 0.0}
    )
    run = ns.simulate(net, (0.0, 1.0), method="dop853", rtol=1e-11, print_step=0.005)
    x = run["m[0].x"].max()
    ours = R_ON * x + R_OFF * (1.0 - x)
    exact = float(np.sqrt(start**2 - 2 * (R_OFF - R_ON) * k * volts / (np.pi * frequency)))
    return Case(
        "smallest resistance of the memristor of HP Labs", "Strukov et al., Nature 453, 80 (2008), integrated",
        "R_min [ohm]", f"{exact:.9g}", f"{ours:.9g}", abs(ours / exact - 1.0), 1e-8, "rtol = 1e-11",
    )  # fmt: skip


def _series() -> Case:
    alpha, beta, count = 0.8, 1.6, 5
    rng = np.random.default_rng(1)
    start, emf = rng.uniform(0.2, 0.5, count), rng.uniform(0.0, 0.3, count)
    common = {"convention": "flipped", "alpha": alpha, "beta": beta}
    loop = nx.DiGraph([(k, (k + 1) % count) for k in range(count)])
    net = ns.MemristiveNetwork(loop, sources=emf, initial=start, **common)  # type: ignore[arg-type]
    one = nx.MultiDiGraph([("a", "b")])
    mean = ns.MemristiveNetwork(
        one, electrodes={"a": float(emf.mean()), "b": 0.0}, initial=float(start.mean()), **common  # type: ignore[arg-type]
    )  # fmt: skip
    settings = {"method": "dop853", "rtol": 1e-11, "save_steps": False}
    run, single = ns.simulate(net, (0.0, 2.0), **settings), ns.simulate(mean, (0.0, 2.0), **settings)
    x = np.array([run[name] for name in net.state_names])
    spread = x - x.mean(0) - (start - start.mean())[:, None] * np.exp(-alpha * run.time)
    error = max(float(np.abs(spread).max()), float(np.abs(x.mean(0) - single["m[0].x"]).max()))
    return Case(
        "devices in a loop (projector of rank one)", "Caravelli & Barucca, arXiv:1706.03001", "largest difference of x",
        "x_i - mean falls as exp(-alpha t), mean as one device with the mean EMF", f"{error:.1e}", error, 1e-9, "rtol = 1e-11",
    )  # fmt: skip


def _parallel() -> Case:
    start = np.array([0.35, 0.6, 0.85])
    bundle = nx.MultiDiGraph([("a", "b")] * 3)
    net = ns.MemristiveNetwork(bundle, convention="standard", initial=start, electrodes={"a": "SIN(0 1 2)", "b": 0.0})
    run = ns.simulate(net, (0.0, 0.5), method="dop853", rtol=1e-11)
    flux = (1.0 - np.cos(4 * np.pi * run.time)) / (4 * np.pi)
    exact = (np.sqrt((1.0 + XI * start[:, None]) ** 2 - 2.0 * XI * flux / BETA) - 1.0) / XI
    error = float(np.abs(np.array([run[name] for name in net.state_names]) - exact).max())
    return Case(
        "devices side by side at one source", CTDV, "largest difference of w", "each as if alone", f"{error:.1e}", error,
        1e-9, "rtol = 1e-11",
    )  # fmt: skip


def _saddle_node() -> Case:
    alpha = beta = 1.0
    critical, place = 1.0 / (4.0 * CHI), 1.0 / (2.0 * CHI)
    net = _pair(convention="flipped", alpha=alpha, beta=beta, electrodes={0: critical * alpha * beta, 1: 0.0})
    at = np.array([place])
    error = max(abs(net.rhs(0.0, at)[0]), abs(net.jacobian(0.0, at)[0, 0]))
    return Case(
        "saddle-node of one device with decay", SCIENCE, "rate and its slope at x_c = 1/(2 chi), s_c = 1/(4 chi) [1/s]",
        "0", f"{error:.1e}", float(error), 1e-13, "rounding",
    )  # fmt: skip


def _escape(context: Context) -> Iterator[Case]:
    alpha, critical = 1.0, 1.0 / (4.0 * CHI)
    excess = np.array([1e-2, 1e-3, 1e-4, 1e-5])
    ours, exact = [], []
    for part in excess:
        s = critical + part
        net = _pair(convention="flipped", alpha=alpha, beta=1.0, electrodes={0: s, 1: 0.0}, initial=0.0)
        stop = 1.5 * np.pi / (2.0 * np.sqrt(CHI * part)) + 5.0
        run = ns.simulate(net, (0.0, stop), method="dop853", rtol=1e-10, events="m[0].x = 0.9")
        ours.append(next(iter(run.events.values()))[0])
        exact.append(
            quad(lambda x, s=s: 1.0 / (s / (1.0 - CHI * x) - x), 0.0, 0.9, points=[0.5 / CHI], epsrel=1e-12)[0]
        )
    error = float(np.abs(np.array(ours) / exact - 1.0).max())
    law = np.pi / (2.0 * np.sqrt(CHI * excess))

    def draw(axes: object) -> None:
        axes.loglog(excess, ours, "o", label="simulated")  # type: ignore[attr-defined]
        axes.loglog(excess, law, label=r"$\pi/(2\sqrt{\chi (s - s_c)})$")  # type: ignore[attr-defined]
        axes.set(xlabel="s - s_c", ylabel="escape time [1/alpha]")  # type: ignore[attr-defined]
        axes.legend()  # type: ignore[attr-defined]

    figure = context.figure("memristive escape time", draw)
    yield Case(
        "escape time past the saddle-node", "quadrature of dx / x'", "time to x = 0.9, s - s_c = 1e-2 ... 1e-5",
        ", ".join(f"{t:.6g}" for t in exact), ", ".join(f"{t:.6g}" for t in ours), error, 1e-7, "rtol = 1e-10", figure,
    )  # fmt: skip
    share = float(ours[-1] / law[-1])
    yield Case(
        "law of the escape time", SCIENCE, "time over pi / (2 sqrt(chi (s - s_c))) at s - s_c = 1e-5", "1",
        f"{share:.5f}", abs(share - 1.0), 0.01, "the next term is of order sqrt(s - s_c) = 0.003 relative", figure,
    )  # fmt: skip


def _cut_space_law() -> Case:
    worst = 0.0
    for seed in range(4):
        rng = np.random.default_rng(seed)
        graph = nx.MultiDiGraph(nx.gnm_random_graph(30, 70, seed=seed, directed=True))
        graph.add_edges_from([(0, 1), (0, 1), ("p", "q"), ("q", "r"), ("r", "p")])
        m, standard = graph.number_of_edges(), seed % 2 == 0
        net = ns.MemristiveNetwork(
            graph, convention="standard" if standard else "flipped", alpha=0.4, beta=0.5 if standard else 40.0,
            sources={e: ns.noise(1.0, 0.05, e) for e in range(m)}, polarity=rng.choice([-1.0, 1.0], m),
            initial=rng.uniform(0.4, 0.6, m),
        )  # fmt: skip
        run = ns.simulate(net, (0.0, 0.5), method="dop853", rtol=1e-9)
        if run.attrs["seconds_at_bounds"]:
            worst = np.inf
        w = np.array([run[name] for name in net.state_names]).T
        law = np.array([net.conserved(row, t) for row, t in zip(w, run.time, strict=True)])
        worst = max(worst, float(np.abs(law - law[0]).max()))
    return Case(
        "cut-space law along trajectories with noise in every edge", "Caravelli, arXiv:1611.02104",
        "largest change of B J w exp(-+ alpha t), states of order 1", "0", f"{worst:.1e}", worst, 1e-10,
        "any error of solver, drive or topology breaks it; decay is integrated with rtol = 1e-9",
    )  # fmt: skip


def _lattice(context: Context) -> Iterator[Case]:
    side = 61 if context.fast else 121
    net = ns.MemristiveNetwork(nx.grid_2d_graph(side, side), convention="standard", initial=0.0)
    c = side // 2
    for name, other, exact in (("neighbours", (c, c + 1), 0.5), ("diagonal neighbours", (c + 1, c + 1), 2.0 / np.pi)):
        ours = 1.0 / (R_ON * net.conductance(None, (c, c), other))
        yield Case(
            f"square lattice, {name}", "Cserti, Am. J. Phys. 68, 896 (2000) (recalled)", "effective resistance [R]",
            f"{exact:.6f}", f"{ours:.6f}", abs(ours / exact - 1.0), 20.0 / side**2,
            f"{side} x {side} nodes instead of infinitely many: the edge changes it by about 1/side^2",
        )  # fmt: skip
    edge = net.edge_index(((c, c), (c, c + 1)))
    unit = np.zeros(net.size)
    unit[edge] = 1.0
    ours = float(net.projector(unit, space="cut")[edge])
    yield Case(
        "projector of the square lattice", "Foster's theorem: half the edges carry the cuts", "Omega_B(e, e) in the middle",
        "0.5", f"{ours:.6f}", abs(2.0 * ours - 1.0), 20.0 / side**2, "as the effective resistances",
    )  # fmt: skip


def _gradient_cost() -> Case:
    side = 71
    rng = np.random.default_rng(0)
    net = ns.MemristiveNetwork(
        nx.grid_2d_graph(side, side), convention="flipped", electrodes={(0, 0): 1.0, (side - 1, side - 1): 0.0}
    )
    w, u = rng.random(net.size), rng.normal(size=net.size)

    def least(call: Callable[[], object]) -> float:
        found = np.inf
        for _ in range(15):
            clock = time.process_time()
            call()
            found = min(found, time.process_time() - clock)
        return found

    def with_gradient() -> None:
        net.vjp(0.0, w, u, at=net.solved(w, 0.0))

    forward, both = least(lambda: net.solved(w, 0.0)), least(with_gradient)
    return Case(
        "cost of a gradient", "the same factor serves both", "rates with gradient over rates alone, 9940 edges",
        "at most 2", f"{both / forward:.2f} ({forward * 1e3:.2f} ms alone)", both / forward, 2.0,
        "least CPU time of 15, one thread",
    )  # fmt: skip
