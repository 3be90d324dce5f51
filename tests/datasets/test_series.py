"""Generated series against their recurrences, and recorded ones from files as packages bring them."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from neurosim import datasets
from neurosim.errors import FormatError, ParameterError


def test_mackey_glass_of_both_methods_solve_the_equation() -> None:
    """From the same past, over a few seconds, Euler's error is of first order and the other far below it."""
    exact, coarse, fine = (
        datasets.mackey_glass(40, washout=0, method=method, step=step)
        for method, step in (("runge_kutta", 0.05), ("euler", 0.1), ("euler", 0.05))
    )
    other = datasets.mackey_glass(40, washout=0)
    assert other == pytest.approx(exact, abs=2e-5)
    assert np.abs(coarse - exact).max() / np.abs(fine - exact).max() == pytest.approx(2.0, abs=0.15)
    assert datasets.mackey_glass(10, 1.0, method="euler", step=0.1, washout=0).shape == (10,)
    long = datasets.mackey_glass(500)
    assert 0.2 < long.min() < 0.6 < 1.1 < long.max() < 1.5


@pytest.mark.parametrize("order", [10, 20, 30])
def test_narma_is_its_recurrence(order: int) -> None:
    u = np.random.default_rng(order).uniform(0.0, 0.5, 80)
    y = datasets.narma(u, order)
    a, b, d = {10: (0.3, 0.05, 0.1), 20: (0.3, 0.05, 0.01), 30: (0.2, 0.04, 0.001)}[order]
    t = 70
    value = a * y[t] + b * y[t] * sum(y[t - i] for i in range(order)) + 1.5 * u[t - order + 1] * u[t] + d
    assert y[t + 1] == pytest.approx(np.tanh(value) if order == 20 else value, rel=1e-13)
    assert not y[:order].any()


def test_lorenz_and_henon_follow_their_equations() -> None:
    x = datasets.lorenz(400, dt=0.002, washout=100)
    slope = (x[2:] - x[:-2]) / 0.004
    a, b, c = x[1:-1].T
    assert slope == pytest.approx(np.stack([10 * (b - a), a * (28 - c) - b, a * b - 8 / 3 * c], axis=1), abs=0.2)
    h = datasets.henon(50)
    assert h[1:, 0] == pytest.approx(1.0 - 1.4 * h[:-1, 0] ** 2 + h[:-1, 1], abs=1e-13)
    assert (datasets.henon(50) == h).all()
    assert (datasets.henon(50, seed=1) != h).any()


def test_sines() -> None:
    assert datasets.sines(5, [0.3]) == pytest.approx(np.sin(0.3 * np.arange(5)))
    assert datasets.sines(5)[1] == pytest.approx(np.sin(0.2) + np.sin(0.311) + np.sin(0.42))


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: datasets.mackey_glass(0), "steps = 0"),
        (lambda: datasets.mackey_glass(5, method="heun"), "method = 'heun'"),
        (lambda: datasets.mackey_glass(5, delay=17.03), "multiple of step"),
        (lambda: datasets.mackey_glass(5, delay=3.0, step=0.3), "whole part of 1 s"),
        (lambda: datasets.narma(np.zeros(5), 12), "order = 12"),
        (lambda: datasets.narma(np.zeros((5, 1))), r"\(steps,\)"),
        (lambda: datasets.narma(np.full(200, 5.0)), "runs away"),
        (lambda: datasets.lorenz(5, dt=0.0), "dt = 0.0"),
        (lambda: datasets.henon(50, a=5.0), "runs away"),
    ],
)
def test_refused(call, words: str) -> None:
    with pytest.raises(ParameterError, match=words):
        call()


@pytest.fixture
def packages(tmp_path, monkeypatch):
    """Stand-ins that have the files of the real packages, shorter."""
    files = {
        "aeon/datasets/data/JapaneseVowels/JapaneseVowels_TRAIN.ts": "@data\n1,2:3,4:2\n5,6,7:8,9,10:1\n",
        "aeon/datasets/data/JapaneseVowels/JapaneseVowels_TEST.ts": "@data\n0.5:-1:9\n",
        "statsmodels/datasets/sunspots/sunspots.csv": '"YEAR","SUNACTIVITY"\n1700,5\n1701,11\n',
        "statsmodels/datasets/elnino/elnino.csv": "YEAR,A\n1950," + ",".join(map(str, range(12))) + "\n",
    }
    for name, text in files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    (tmp_path / "reservoirpy" / "datasets").mkdir(parents=True)
    np.save(tmp_path / "reservoirpy" / "datasets" / "santafe_laser.npy", np.array([[86], [141]]))
    for package in ("aeon", "statsmodels", "reservoirpy"):
        (tmp_path / package / "__init__.py").write_text("raise RuntimeError('files are read, nothing is imported')")
        monkeypatch.delitem(sys.modules, package, raising=False)
    monkeypatch.syspath_prepend(str(tmp_path))
    return tmp_path


def test_recorded_series_are_read_from_files(packages) -> None:
    assert datasets.santa_fe_laser().tolist() == [86.0, 141.0]
    train, test = datasets.japanese_vowels()
    assert [len(s) for s in train.sequences] == [2, 3]
    assert train.sequences[0].tolist() == [[1.0, 3.0], [2.0, 4.0]]
    assert train.speakers.tolist() == [1, 0]
    assert test.sequences[0].tolist() == [[0.5, -1.0]]
    years, spots = datasets.sunspots()
    assert (years.tolist(), spots.tolist()) == ([1700, 1701], [5.0, 11.0])
    times, temperatures = datasets.el_nino()
    assert times[:2] == pytest.approx([1950.0, 1950.0 + 1.0 / 12.0])
    assert temperatures.tolist() == list(range(12))


def test_a_missing_package_or_a_broken_file_is_named(packages, monkeypatch) -> None:
    (packages / "statsmodels/datasets/sunspots/sunspots.csv").write_text("YEAR,N\n1700,many\n")
    with pytest.raises(FormatError, match="many"):
        datasets.sunspots()
    (packages / "aeon/datasets/data/JapaneseVowels/JapaneseVowels_TEST.ts").write_text("@data\n")
    with pytest.raises(FormatError, match="no utterances"):
        datasets.japanese_vowels()
    (packages / "statsmodels/datasets/elnino/elnino.csv").unlink()
    with pytest.raises(ParameterError, match="has no file"):
        datasets.el_nino()
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(ParameterError, match=r'reservoirpy, which is not installed: pip install "neuros'):
        datasets.santa_fe_laser()
