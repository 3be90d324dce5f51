"""Generated series of the reservoir literature. The same arguments give the same numbers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from neurosim.errors import ParameterError
from neurosim.randomness import stream

NARMA = {10: (0.3, 0.05, 1.5, 0.1, False), 20: (0.3, 0.05, 1.5, 0.01, True), 30: (0.2, 0.04, 1.5, 0.001, False)}
"""Order: alpha, beta, gamma, delta, and whether tanh bounds the value."""

SINES = (0.2, 0.311, 0.42, 0.51, 0.63, 0.74, 0.85, 0.97)


def mackey_glass(
    steps: int, delay: float = 17.0, *, method: str = "runge_kutta", step: float = 0.1, washout: int = 1000,
    seed: int = 0,
) -> np.ndarray:  # fmt: skip
    """x' = 0.2 x(t - delay) / (1 + x(t - delay)^10) - 0.1 x, one sample a second.

    Parameters
    ----------
    steps : int
    delay : float
        Seconds, a multiple of `step`; default 17, chaotic from 16.8 on.
    method : {"runge_kutta", "euler"}
        Order 4 with cubic interpolation of the past, or Euler's as Jaeger used it: another trajectory on much the same
        attractor, so results are compared with those of the same method.
    step : float
        Seconds, a whole part of one; default 0.1.
    washout : int
        Samples left out at the start, default 1000.
    seed : int
        Of the constant past, uniform in 1.1 to 1.3.

    Returns
    -------
    ndarray, shape (steps,)

    Raises
    ------
    ParameterError

    Notes
    -----
    Mackey & Glass, Science 197, 287 (1977), doi 10.1126/science.267326; as a task: Jaeger, GMD Report 148 (2001).
    """
    _check_steps("mackey_glass", steps, washout=washout)
    back, every = round(delay / step), round(1.0 / step)
    if method not in ("runge_kutta", "euler") or back < 1 or abs(back * step - delay) > 1e-9 * delay:
        raise ParameterError(
            f"mackey_glass: method = {method!r} must be runge_kutta or euler, delay = {delay} a multiple of "
            f"step = {step}"
        )
    if every < 1 or abs(every * step - 1.0) > 1e-9:
        raise ParameterError(f"mackey_glass: step = {step} must be a whole part of 1 s")
    x = [1.2 + 0.1 * float(stream(seed, "mackey glass").uniform(-1.0, 1.0))] * (back + 1)
    slopes = [0.0] * back

    def slope(now: float, then: float) -> float:
        return 0.2 * then / (1.0 + then**10) - 0.1 * now

    for k in range(back, (steps + washout) * every + back):
        past, following = x[k - back], x[k - back + 1]
        first = slope(x[k], past)
        if method == "euler":
            x.append(x[k] + step * first)
            continue
        middle = 0.5 * (past + following) + step / 8.0 * (slopes[k - back] - slopes[min(k - back + 1, k - 1)])
        slopes.append(first)
        second = slope(x[k] + 0.5 * step * first, middle)
        third = slope(x[k] + 0.5 * step * second, middle)
        fourth = slope(x[k] + step * third, following)
        x.append(x[k] + step / 6.0 * (first + 2.0 * second + 2.0 * third + fourth))
    return np.array(x[back + (washout + 1) * every :: every])


def narma(inputs: Any, order: int = 10) -> np.ndarray:
    """Nonlinear autoregressive moving average of an input.

    y(t+1) = alpha y(t) + beta y(t) sum_(i < order) y(t-i) + gamma u(t-order+1) u(t) + delta, zero until t = order; the
    value of order 20 goes through tanh.

    Parameters
    ----------
    inputs : array_like, shape (steps,)
        Usually uniform in 0 to 0.5.
    order : {10, 20, 30}
        Default 10.

    Returns
    -------
    ndarray, shape (steps,)

    Raises
    ------
    ParameterError
        An unknown order, inputs of another shape, or a run away to infinity, which some inputs bring about.

    Notes
    -----
    Atiya & Parlos, IEEE Trans. Neural Networks 11, 697 (2000), doi 10.1109/72.846741; order 20: Rodan & Tino, IEEE
    Trans. Neural Networks 22, 131 (2011) (recalled); order 30: Schrauwen et al., Neurocomputing 71, 1159 (2008).
    """
    if order not in NARMA:
        raise ParameterError(f"narma: order = {order} must be one of {', '.join(map(str, NARMA))}")
    u = np.asarray(inputs, dtype=float)
    if u.ndim != 1 or not np.isfinite(u).all():
        raise ParameterError(f"narma: inputs of shape {u.shape} must be finite and of shape (steps,)")
    alpha, beta, gamma, delta, bounded = NARMA[order]
    y = np.zeros_like(u)
    for t in range(order - 1, len(u) - 1):
        value = alpha * y[t] + beta * y[t] * y[t - order + 1 : t + 1].sum() + gamma * u[t - order + 1] * u[t] + delta
        y[t + 1] = np.tanh(value) if bounded else value
        if not abs(y[t + 1]) < 1e6:
            raise ParameterError(f"narma: order {order} runs away at step {t + 1}; take other inputs, in 0 to 0.5")
    return y


def lorenz(
    steps: int, dt: float = 0.02, *, sigma: float = 10.0, rho: float = 28.0, beta: float = 8.0 / 3.0,
    washout: int = 1000, seed: int = 0,
) -> np.ndarray:  # fmt: skip
    """Lorenz's equations, ``x' = sigma (y - x), y' = x (rho - z) - y, z' = x y - beta z``, to 1e-9 a sample.

    Parameters
    ----------
    steps : int
    dt : float
        Between samples, default 0.02.
    sigma, rho, beta : float
        Defaults 10, 28, 8/3.
    washout : int
        Samples left out at the start, default 1000.
    seed : int
        Of the start, near (1, 1, 1).

    Returns
    -------
    ndarray, shape (steps, 3)

    Raises
    ------
    ParameterError, SimulationError

    Notes
    -----
    Lorenz, J. Atmospheric Sciences 20, 130 (1963), doi 10.1175/1520-0469(1963)020<0130:DNF>2.0.CO;2. Nearby solutions
    part, so another method gives another trajectory after some twenty seconds.
    """
    from neurosim.architectures.lorenz import lorenz as graph_of
    from neurosim.solve.simulate_graph import simulate_graph

    _check_steps("lorenz", steps, washout=washout)
    if not (dt > 0.0 and np.isfinite(dt)):
        raise ParameterError(f"lorenz: dt = {dt} must be positive and finite")
    start = 1.0 + 0.1 * stream(seed, "lorenz").uniform(-1.0, 1.0, 3)
    graph = graph_of(sigma, rho, beta, initial=tuple(start.tolist()))
    end = (steps + washout) * dt
    run = simulate_graph(graph, (0.0, end), method="dop853", rtol=1e-9, print_step=dt, save_steps=False)
    return np.stack([run[f"x[{i}]"] for i in range(3)], axis=1)[-steps:]


def henon(steps: int, *, a: float = 1.4, b: float = 0.3, washout: int = 100, seed: int = 0) -> np.ndarray:
    """Henon's map, ``x+ = 1 - a x^2 + y, y+ = b x``.

    Parameters
    ----------
    steps : int
    a, b : float
        Defaults 1.4, 0.3.
    washout : int
        Steps left out at the start, default 100.
    seed : int
        Of the start, near (0, 0).

    Returns
    -------
    ndarray, shape (steps, 2)

    Raises
    ------
    ParameterError

    Notes
    -----
    Henon, Commun. Math. Phys. 50, 69 (1976), doi 10.1007/BF01608556.
    """
    _check_steps("henon", steps, washout=washout)
    x, y = stream(seed, "henon").uniform(-0.1, 0.1, 2)
    made = np.empty((steps + washout, 2))
    for t in range(len(made)):
        made[t] = x, y
        x, y = 1.0 - a * x * x + y, b * x
        if not abs(x) < 1e6:
            raise ParameterError(f"henon: a = {a}, b = {b}: runs away at step {t + 1}")
    return made[washout:]


def sines(steps: int, frequencies: Sequence[float] = SINES[:3]) -> np.ndarray:
    """Sum of sines at frequencies without common period, ``sum_k sin(f_k t)``, t = 0, 1, ...

    Parameters
    ----------
    steps : int
    frequencies : sequence of float
        Radians a step; default the first three of 0.2, 0.311, 0.42, 0.51, 0.63, 0.74, 0.85, 0.97 (`SINES`).

    Returns
    -------
    ndarray, shape (steps,)

    Raises
    ------
    ParameterError

    Notes
    -----
    The multiple superimposed oscillators of Wierstra, Gomez & Schmidhuber, GECCO 2005 (recalled).
    """
    _check_steps("sines", steps)
    return np.sin(np.outer(np.arange(steps), np.asarray(frequencies, dtype=float))).sum(axis=1)


def _check_steps(what: str, steps: int, washout: int = 0) -> None:
    if steps < 1 or washout < 0:
        raise ParameterError(f"{what}: steps = {steps} must be 1 or more, washout = {washout} zero or more")
