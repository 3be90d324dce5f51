"""Echo state network: a fixed random reservoir of leaky units, of which only the readout is trained.

    x+ = (1 - a) x + a phi(W x + U u + F y + b),    y = V x + c,    a = dt / tau

The leak a is a step: the reservoir is tau x' = -x + phi(W x + U u + F y + b), run by forward Euler. The readout sees
the state after the step.

Sources: Jaeger, GMD Report 148 (2001); leaky units and a = dt/tau: Jaeger, Lukosevicius, Popovici & Siewert, Neural
Networks 20, 335 (2007), doi 10.1016/j.neunet.2007.04.016; cycle reservoirs: Rodan & Tino, IEEE Trans. Neural Networks
22, 131 (2011), doi 10.1109/TNN.2010.2089641; with jumps: Rodan & Tino, Neural Computation 24, 1822 (2012), doi
10.1162/NECO_a_00297.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from neurosim.architectures.architecture import Architecture
from neurosim.errors import ParameterError
from neurosim.graph.signal_graph import SignalGraph
from neurosim.randomness import stream
from neurosim.reference import Reference

TOPOLOGIES = ("random", "orthogonal", "cycle", "cycle_jumps", "delay_line")
INPUT_WEIGHTS = ("uniform", "signs")
FEEDBACKS = ("none", "teacher", "closed")
LARGEST_DENSE = 400
"""Up to this many units all eigenvalues are computed, above only the largest ones."""


def echo_state(
    inputs: int = 1, units: int = 100, outputs: int = 1, *, topology: str = "random", density: float = 0.1,
    spectral_radius: float = 0.9, input_scaling: float = 1.0, bias_scaling: float = 0.0, feedback: str = "none",
    feedback_scaling: float = 1.0, activation: str = "tanh", time_constant: float = 1.0, seed: int = 0,
    input_weights: str = "uniform", jump: int = 10, jump_weight: float = 0.5,
) -> SignalGraph:  # fmt: skip
    """Build an echo state network; its readout is zero until it is trained.

    Parameters
    ----------
    inputs, units, outputs : int
        Port ``u`` (none with 0 inputs), state ``x``, port ``y``.
    topology : {"random", "orthogonal", "cycle", "cycle_jumps", "delay_line"}
        Uniform weights at random places; a random orthogonal matrix; one ring of equal weights; a ring with shortcuts
        both ways between every `jump`-th unit and the next such; a chain.
    density : float
        Share of the weights that exist, "random" only, default 0.1.
    spectral_radius : float
        Largest absolute eigenvalue of W, default 0.9; of a "delay_line", whose eigenvalues are 0, each weight.
    input_scaling, bias_scaling, feedback_scaling : float
        U, b and F are uniform in plus or minus this; default 1, 0 and 1.
    input_weights : {"uniform", "signs"}
        "signs": elements of U are plus or minus `input_scaling`, as cycle reservoirs have them.
    jump : int
        Of "cycle_jumps", default 10, at least 2 and less than half of the units.
    jump_weight : float
        Weight of a shortcut over that of the ring, default 0.5.
    feedback : {"none", "teacher", "closed"}
        "closed" feeds the output back by F. "teacher" has the input port ``teacher`` in the place of the output, to
        train the readout; the weights of one seed are the same in both.
    activation : str
        Function phi, default "tanh"; "identity" for a linear reservoir.
    time_constant : float
        tau [s], default 1.
    seed : int

    Returns
    -------
    SignalGraph
        Parameters ``W`` (units, units; sparse unless orthogonal), ``U``, ``b``, ``F`` where there is feedback, which
        are not trainable, ``V`` (outputs, units) and ``c``, which are.

    Raises
    ------
    ParameterError
        An unknown topology, kind of input weights or feedback, a jump that does not fit, a density outside 0 to 1, a
        negative radius, or neither inputs nor feedback.
    """
    chosen = (
        ("topology", topology, TOPOLOGIES), ("input_weights", input_weights, INPUT_WEIGHTS),
        ("feedback", feedback, FEEDBACKS),
    )  # fmt: skip
    if not isinstance(units, (int, np.integer)) or units < 1:
        raise ParameterError(f"echo_state: units = {units!r} must be a whole number above zero")
    for what, given, allowed in chosen:
        if given not in allowed:
            raise ParameterError(f"echo_state: {what} = {given!r} must be one of {', '.join(allowed)}")
    if inputs == 0 and feedback == "none":
        raise ParameterError("echo_state: with 0 inputs the reservoir needs feedback = 'teacher' or 'closed'")
    draw = stream(seed, "echo state", "weights")
    graph = SignalGraph("echo_state")
    graph.parameter("W", reservoir(topology, units, density, spectral_radius, seed, jump, jump_weight), trainable=False)
    graph.parameter("b", bias_scaling * draw.uniform(-1.0, 1.0, units), trainable=False)
    graph.parameter("V", np.zeros((outputs, units)))
    graph.parameter("c", np.zeros(outputs))
    graph.state("x", units, time_constant=time_constant)
    graph.map("rate", units, activation, bias="b")
    graph.map("readout", outputs, bias="c")
    graph.port("y", outputs, output=True)
    graph.connect("x", "rate", weight="W")
    graph.connect("rate", "x")
    graph.connect("x", "readout", weight="V")
    graph.connect("readout", "y")
    if inputs:
        graph.port("u", inputs)
        drawn = draw.uniform(-1.0, 1.0, (units, inputs))
        drawn = np.sign(drawn) if input_weights == "signs" else drawn
        graph.parameter("U", input_scaling * drawn, trainable=False)
        graph.connect("u", "rate", weight="U")
    if feedback != "none":
        draw = stream(seed, "echo state", "feedback")
        graph.parameter("F", feedback_scaling * draw.uniform(-1.0, 1.0, (units, outputs)), trainable=False)
        if feedback == "teacher":
            graph.port("teacher", outputs)
        graph.connect("teacher" if feedback == "teacher" else "readout", "rate", weight="F")
    return graph


def reservoir(
    topology: str, units: int, density: float, spectral_radius: float, seed: int, jump: int = 10,
    jump_weight: float = 0.5,
) -> Any:  # fmt: skip
    """Recurrent weights of a spectral radius: a sparse matrix, or an ndarray if orthogonal; shape (units, units).

    Raises
    ------
    ParameterError
        A density outside 0 to 1, a negative radius, a jump that does not fit, or so few weights that there is no cycle
        to scale.
    """
    import scipy.sparse as sparse

    if not (0.0 < density <= 1.0 and np.isfinite(spectral_radius) and spectral_radius >= 0.0):
        raise ParameterError(
            f"echo_state: density = {density} must be above 0, at most 1; spectral_radius = {spectral_radius} 0 or more"
        )
    draw = stream(seed, "echo state", "reservoir")
    if topology in ("cycle", "cycle_jumps", "delay_line"):
        source = np.arange(units - (topology == "delay_line"))
        target, values = (source + 1) % units, np.ones(source.size)
        if topology == "cycle_jumps":
            most = (units - 1) // 2
            if not (2 <= jump <= most and np.isfinite(jump_weight)):
                raise ParameterError(
                    f"echo_state: jump = {jump} must be from 2 to {most}, jump_weight = {jump_weight} finite"
                )
            here = np.arange(0, units - units % jump, jump)
            there = (here + jump) % units
            source, target = np.concatenate([source, here, there]), np.concatenate([target, there, here])
            values = np.concatenate([values, np.full(2 * here.size, jump_weight)])
        ring = sparse.csr_array((values, (target, source)), shape=(units, units))
        return ring * (spectral_radius / (radius_of(ring) if topology == "cycle_jumps" else 1.0))
    if topology == "orthogonal":
        q, r = np.linalg.qr(draw.normal(size=(units, units)))
        # The signs make it uniform over all orthogonal matrices.
        return spectral_radius * q * np.sign(np.diag(r))
    count = max(1, round(density * units * units))
    places = draw.choice(units * units, count, replace=False)
    values = draw.uniform(-1.0, 1.0, count)
    matrix = sparse.csr_array((values, (places // units, places % units)), shape=(units, units))
    radius = radius_of(matrix)
    if radius < 1e-12:
        raise ParameterError(
            f"echo_state: {count} weights between {units} units have no cycle, so no spectral radius; raise density"
        )
    return matrix * (spectral_radius / radius)


def radius_of(matrix: Any) -> float:
    """Largest absolute eigenvalue of a dense or sparse square matrix."""
    dense = matrix.toarray() if hasattr(matrix, "toarray") else np.asarray(matrix)
    if len(dense) > LARGEST_DENSE and hasattr(matrix, "tocsr"):
        from scipy.sparse.linalg import ArpackNoConvergence, eigs

        try:
            # Several, for those of random matrices lie close to one circle; a fixed start makes the result repeatable.
            found = eigs(matrix, k=6, which="LM", v0=np.ones(len(dense)), return_eigenvectors=False)
            return float(np.abs(found).max())
        except ArpackNoConvergence:
            pass
    return float(np.abs(np.linalg.eigvals(dense)).max())


architecture = Architecture(
    name="echo_state",
    summary="fixed random reservoir of leaky units, trained readout",
    source=Reference(
        "Jaeger, Lukosevicius, Popovici & Siewert, Neural Networks 20, 335 (2007)", "10.1016/j.neunet.2007.04.016"
    ),
    equations="x+ = (1 - a) x + a phi(W x + U u + F y + b)\ny = V x + c",
    analog="tau x' = -x + phi(W x + U u + F y + b)",
    digital="forward_euler, dt = a tau",
    check="memory capacity of a linear reservoir near its size, NARMA-10, Mackey-Glass 84 steps ahead",
    cases=("memory_capacity", "narma", "mackey_glass"),
    build=echo_state,
    example={"inputs": 2, "units": 20, "outputs": 1, "density": 0.2},
    aliases=("esn",),
)
