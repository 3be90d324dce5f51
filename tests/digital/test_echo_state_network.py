"""The echo state network to fit and predict with."""

from __future__ import annotations

import numpy as np
import pytest

from neurosim.digital.echo_state_network import EchoStateNetwork
from neurosim.digital.network import digital
from neurosim.errors import ParameterError, RankDeficientWarning

T = np.arange(700)
SINE = np.sin(0.17 * T)[:, None]


def test_it_learns_a_map_of_its_inputs() -> None:
    u = np.random.default_rng(0).uniform(-1.0, 1.0, (700, 2))
    y = np.roll(u[:, :1], 2, axis=0) + u[:, 1:] ** 2
    network = EchoStateNetwork(2, 80, seed=1).fit(u[:500], y[:500])
    made = network.predict(u)
    assert made.shape == (700, 1)
    assert ((made[500:] - y[500:]) ** 2).mean() < 0.15 * y.var()
    assert digital(network.graph()).sequence(u).outputs[:, 0] == pytest.approx(made)


def test_it_goes_on_by_itself() -> None:
    network = EchoStateNetwork(0, 60, leak=0.5, noise=1e-4, seed=1).fit(SINE[:500])
    ahead = network.forecast(SINE[:500], 150)
    assert ahead == pytest.approx(SINE[500:650], abs=0.02)
    assert network.predict(SINE)[300:] == pytest.approx(SINE[300:], abs=0.01)


def test_inputs_and_feedback_together_and_samples_side_by_side() -> None:
    """y(t) = 0.5 y(t-1) + u(t): a linear network with feedback has it exactly, from true outputs on."""
    u = np.random.default_rng(1).normal(size=(300, 3, 1))
    y = np.zeros_like(u)
    for t in range(300):
        y[t] = 0.5 * y[t - 1] * (t > 0) + u[t]
    plain = {"activation": "identity", "topology": "cycle", "spectral_radius": 0.0}
    network = EchoStateNetwork(1, 10, feedback=True, regularisation=1e-10, seed=2, reservoir=plain).fit(u, y)
    assert network.forecast(u[:260], y[:250]) == pytest.approx(y[250:260], abs=1e-5)
    assert network.predict(u, y) == pytest.approx(y, abs=1e-5)
    assert network.forecast(u[:251, 0], y[:250, 0]).shape == (1, 1)


def test_noise_belongs_to_the_seed() -> None:
    fits = [EchoStateNetwork(0, 20, noise=1e-3, seed=4).fit(SINE).readout for _ in range(2)]
    assert fits[0] is not None
    assert fits[1] is not None
    assert (fits[0].weights == fits[1].weights).all()
    quiet = EchoStateNetwork(0, 20, seed=4).fit(SINE).readout
    assert quiet is not None
    assert (fits[0].weights != quiet.weights).any()


def test_what_the_data_do_not_determine_is_warned_of() -> None:
    with pytest.warns(RankDeficientWarning, match="300 features over 50 rows"):
        EchoStateNetwork(1, regularisation=0.0, washout=50).fit(SINE[:100], SINE[:100])


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: EchoStateNetwork(leak=0.0), "leak = 0.0"),
        (lambda: EchoStateNetwork(noise=-1.0), "noise = -1.0"),
        (lambda: EchoStateNetwork(1).fit(SINE), r"takes \(u, y\)"),
        (lambda: EchoStateNetwork(1).fit(SINE, SINE[1:]), "agree in steps"),
        (lambda: EchoStateNetwork(2).fit(SINE, SINE), r"\(steps, 2\)"),
        (lambda: EchoStateNetwork(1).forecast(SINE, SINE), "feedback=True"),
        (lambda: EchoStateNetwork(0).forecast(SINE), "takes"),
        (lambda: EchoStateNetwork(0).forecast(SINE, 0), "beyond"),
        (lambda: EchoStateNetwork(0, units=20).fit(SINE[:90]), "washout"),
    ],
)
def test_refused(call, words: str) -> None:
    with pytest.raises(ParameterError, match=words):
        call()
