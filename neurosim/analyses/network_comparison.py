"""A memristive network beside its digital equivalent: the same trajectory, and where both end for constant sources."""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from neurosim.analyses.comparison import (
    ANALOG_RTOL,
    SAME_POINT,
    Comparison,
    FixedPoint,
    StepError,
    horizon_of,
    order_of,
)
from neurosim.digital.network import digital
from neurosim.digital.rules import rules
from neurosim.errors import ParameterError
from neurosim.memristive.clocked_map import ClockedMap
from neurosim.memristive.network import MemristiveNetwork
from neurosim.randomness import stream
from neurosim.solve.simulate import simulate

PER_RANGE, STEPS = 50, 500
"""Default steps in the time in which the fastest state would cross its range, and in a comparison."""

PROBES = 64
"""Moments in the first second at which the rates are looked at for a step."""

LARGEST = 60
"""Edges up to which ends of random starts are looked for."""


def compare_network(
    net: MemristiveNetwork,
    rule: Any,
    dt: float | None,
    duration: float | None,
    refinements: int,
    starts: int,
    seed: int,
) -> Comparison:
    """Compare a network with its digital equivalent, see `neurosim.analyses.comparison.compare`.

    Raises
    ------
    ParameterError, UnknownNameError
    """
    if not isinstance(rule, str):
        raise ParameterError("compare() of a memristive network takes the name of a rule")
    dt = dt or _default_step(net, duration)
    points = max(2, round((duration or STEPS * dt) / dt)) + 1
    times = dt * np.arange(points)
    clock = time.process_time()
    names = [f"i({node})" for node in net.electrodes]
    analog, analog_output = _analog(net, net.state, times, names)
    seconds = time.process_time() - clock
    runs, costs = [], []
    for k in range(refinements + 1):
        clock = time.process_time()
        runs.append(digital(net, rule, dt / 2**k).run((points - 1) * 2**k)[:: 2**k])
        costs.append((time.process_time() - clock) / ((points - 1) * 2**k))
    scale, span = np.sqrt((analog**2).mean()) or 1.0, np.ptp(analog, axis=0).max() or 1.0
    errors = [np.sqrt(((run - analog) ** 2).mean(axis=1)) / scale for run in runs]
    steps = tuple(
        StepError(dt / 2**k, float(np.abs(run - analog).max() / span), horizon_of(times, error), cost)
        for k, (run, error, cost) in enumerate(zip(runs, errors, costs, strict=True))
    )
    twin_output = np.array([net.electrode_currents(w, t) for w, t in zip(runs[0], times, strict=True)])
    chosen = rules.get(rule)
    small = net.size <= LARGEST and net.sources.is_constant
    found, ends = _ends(net, rule, dt, float(times[-1]), starts, seed) if small else ((), {})
    return Comparison(
        title=net.title, rule=chosen.name, dt=dt, duration=float(times[-1]), sample_period=dt, times=times,
        analog=analog, twin=runs[0], analog_output=analog_output, twin_output=twin_output.reshape(points, -1),
        state_names=tuple(net.state_names), output_names=tuple(names), error=errors[0], horizon=steps[0].horizon,
        steps=steps, order=order_of(steps), declared_order=chosen.order, fixed_points=found, attractors=ends, score={},
        seconds_analog=seconds,
        statements=(
            f"leak: {chosen.leak}", f"fixed points: {chosen.fixed_points}",
            "states are held in their bounds on both sides; a state that meets one within a step makes an error of "
            "first order in dt",
        ),
    )  # fmt: skip


def _default_step(net: MemristiveNetwork, duration: float | None) -> float:
    """A part of the time in which the fastest state would cross its range."""
    moments = np.linspace(0.0, duration or 1.0, PROBES) if not net.sources.is_constant else np.zeros(1)
    width = np.where(np.isfinite(net.laws.upper - net.laws.lower), net.laws.upper - net.laws.lower, net.laws.scale)
    fastest = max(float(np.max(np.abs(net.rhs(t, net.state)) / width)) for t in moments)
    if not fastest > 0.0:
        raise ParameterError(f"give dt: nothing moves in network '{net.title}' at the start")
    return 1.0 / (PER_RANGE * fastest)


def _analog(
    net: MemristiveNetwork, w: np.ndarray, times: np.ndarray, outputs: list[str]
) -> tuple[np.ndarray, np.ndarray]:
    """States and outputs at `times`, by the engine."""
    names = net.state_names
    result = simulate(
        net, (0.0, float(times[-1])), initial=w, rtol=ANALOG_RTOL, method="dop853", save_steps=False,
        print_step=float(times[1]), save=(*names, *outputs),
    )  # fmt: skip
    places = np.clip(np.searchsorted(result.axis, times - 1e-9 * times[1]), 0, result.axis.size - 1)
    return tuple(
        np.stack([result[name][places] for name in group], axis=1) if group else np.empty((times.size, 0))
        for group in (names, outputs)
    )  # type: ignore[return-value]


def _ends(
    net: MemristiveNetwork, rule: str, dt: float, duration: float, starts: int, seed: int
) -> tuple[tuple[FixedPoint, ...], dict[str, Any]]:
    """Where random starts come to rest on both sides; every end at rest of the flow once, as a fixed point."""
    lower = np.where(np.isfinite(net.laws.lower), net.laws.lower, -net.laws.scale)
    upper = np.where(np.isfinite(net.laws.upper), net.laws.upper, net.laws.scale)
    draw = stream(seed, "compare", "starts").random((starts, net.size))
    twin, times = digital(net, rule, dt), np.array([0.0, 0.9 * duration, duration])
    steps = max(2, round(duration / dt))
    ends: list[np.ndarray] = []
    resting, same = {"analog": [], "digital": []}, []
    for w in lower + draw * (upper - lower):
        flowed = _analog(net, w, times[[0, 1]] if duration == 0 else np.linspace(0.0, duration, 11), [])[0][[-2, -1]]
        clocked = twin.run(steps, w)[[-max(2, steps // 10), -1]]
        size = 1.0 + np.abs(flowed[1]).max()
        still = [float(np.abs(pair[1] - pair[0]).max()) < 1e-4 * size for pair in (flowed, clocked)]
        resting["analog"].append(still[0])
        resting["digital"].append(still[1])
        same.append(not any(still) or (all(still) and np.abs(flowed[1] - clocked[1]).max() < 1e-3 * size))
        if still[0] and not any(np.abs(flowed[1] - end).max() < 1e-3 * size for end in ends):
            ends.append(flowed[1])
    points = [_judge(net, twin, end) for end in ends]
    return tuple(p for p in points if p is not None), {
        "starts": starts, "same": float(np.mean(same)), "analog_at_rest": float(np.mean(resting["analog"])),
        "digital_at_rest": float(np.mean(resting["digital"])),
    }  # fmt: skip


def _judge(net: MemristiveNetwork, twin: ClockedMap, w: np.ndarray) -> FixedPoint | None:
    """A fixed point near an end: Newton's method for the states that are not held at a bound; None if there is none."""
    rate = net.rhs(0.0, w)
    at = ((w >= net.laws.upper) & (rate >= 0.0)) | ((w <= net.laws.lower) & (rate <= 0.0)) | ~net.is_memristive
    free = np.flatnonzero(~at)
    scale = 1.0 + np.abs(w).max()
    for _ in range(20):
        jacobian = net.jacobian(0.0, w)[np.ix_(free, free)]
        try:
            change = np.linalg.solve(jacobian, net.rhs(0.0, w)[free])
        except np.linalg.LinAlgError:
            return None
        w = w.copy()
        w[free] = np.clip(w[free] - change, net.laws.lower[free], net.laws.upper[free])
        if np.abs(change).max(initial=0.0) < 1e-12 * scale:
            break
    residual = float(np.abs(twin.step(0, w) - w).max() / scale)
    if residual > 1e3 * SAME_POINT:
        return None
    # Held states do not move on either side: growth -1/dt and multiplier 0 stand for that.
    flow, step = -1.0 / twin.dt, 0.0
    if free.size:
        flow = float(np.linalg.eigvals(net.jacobian(0.0, w)[np.ix_(free, free)]).real.max())
        e = 1e-6 * scale
        columns = []
        for k in free:
            there, back = w.copy(), w.copy()
            there[k] += e
            back[k] -= e
            columns.append((twin.step(0, there)[free] - twin.step(0, back)[free]) / (2.0 * e))
        step = float(np.abs(np.linalg.eigvals(np.array(columns).T)).max())
    return FixedPoint(w, residual, flow, step)
