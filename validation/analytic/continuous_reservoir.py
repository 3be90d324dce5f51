"""A continuous echo state network and its two digital equivalents, which part from it and from one another as the step.

x' = alpha (phi(W x + U u) - x)
x+ = (1 - a) x + a phi(W x + U u),  a = alpha h (forward Euler) or 1 - exp(-alpha h) (exponential Euler)
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from neurosim.architectures.echo_state import echo_state
from neurosim.digital.network import digital
from neurosim.graph.drives import held
from neurosim.randomness import stream
from neurosim.solve.simulate_graph import simulate_graph
from validation.case import Case, Context
from validation.figures import curves

UNITS, SAMPLES, ALPHA = 50, 40, 0.8
PARTS = (4, 8, 16, 32, 64, 128)
SOURCE = "one-step methods of order one: Hairer, Norsett & Wanner, Solving Ordinary Differential Equations I, II.3"
RULES = {"forward_euler": "a = alpha h", "exponential_euler": "a = 1 - exp(-alpha h)"}


def states_at_samples(activation: str = "tanh", spectral_radius: float = 0.9) -> dict[str, list[np.ndarray]]:
    """The flow's states at the ends of samples held for a second, and those of both rules for each step 1/parts."""
    chosen = {"activation": activation, "spectral_radius": spectral_radius}
    graph = echo_state(1, UNITS, bias_scaling=0.3, time_constant=1.0 / ALPHA, seed=1, **chosen)
    u = stream(0, "continuous reservoir").uniform(-1.0, 1.0, SAMPLES)
    flow = simulate_graph(
        graph, (0.0, float(SAMPLES)), drive={"u": held(u, 1.0)}, method="dop853", rtol=1e-12, print_step=1.0,
        save=["x"], save_steps=False,
    )  # fmt: skip
    made = {"flow": [np.stack([flow[f"x[{i}]"] for i in range(UNITS)], axis=1)[1:]]}
    for rule in RULES:
        made[rule] = [
            digital(graph, rule, 1.0 / parts).sequence(np.repeat(u, parts)[:, None]).states[parts - 1 :: parts, 0]
            for parts in PARTS
        ]
    return made


def cases(context: Context) -> Iterator[Case]:
    """Orders, and the exact case."""
    made = states_at_samples()
    h = 1.0 / np.array(PARTS)
    apart = {
        f"{leak} and the flow": np.array([np.abs(x - made["flow"][0]).max() for x in made[rule]])
        for rule, leak in RULES.items()
    }
    pairs = zip(made["forward_euler"], made["exponential_euler"], strict=True)
    apart["the two"] = np.array([np.abs(x - y).max() for x, y in pairs])
    shown = {label: (h, errors, "o-") for label, errors in apart.items()} | {"h": (h, 0.1 * h, "k:")}
    figure = context.figure(
        "continuous reservoir", curves("step h (s)", "largest difference of a state", shown, log=True)
    )
    for label, errors in apart.items():
        order = float(np.log2(errors[-2] / errors[-1]))
        yield Case(
            f"continuous reservoir, {label}", SOURCE,
            f"order in h between h = 1/{PARTS[-2]} and 1/{PARTS[-1]} s ({errors[-1]:.2g} there)", "1", f"{order:.3f}",
            abs(order - 1.0), 0.03, "terms of second order at this step", figure,
        )  # fmt: skip
    made = states_at_samples("identity", 0.0)
    off = float(max(np.abs(x - made["flow"][0]).max() for x in made["exponential_euler"]))
    yield Case(
        "continuous reservoir, no recurrent weights", "x' = alpha (U u + b - x) between held samples, in closed form",
        "largest difference of exponential Euler and the flow, any step", "0", f"{off:.1e}", off, 1e-10,
        "the tolerance of the flow",
    )  # fmt: skip
