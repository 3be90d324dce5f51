"""Accuracy, special values and sameness at every place of the functions of networks."""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
import pytest

from neurosim.kernels import vector_functions

FUNCTIONS = {"apply_tanh": np.tanh, "apply_logistic": lambda x: 1 / (1 + np.exp(-x))}
_loops: dict[str, Any] = {}


def evaluate(name: str, x: np.ndarray) -> np.ndarray:
    if name not in _loops:
        function = getattr(vector_functions, name).compiled
        array = numba.types.Array(numba.float64, 1, "C")

        @numba.njit(numba.void(array, array), error_model="numpy")
        def run(out, x):
            function(out, 0, x, 0, x.size)

        _loops[name] = run
    out = np.empty_like(x)
    _loops[name](out, x)
    return out


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("scale", [1e-300, 1e-8, 0.1, 1.0, 10.0, 300.0])
def test_error_is_below_two_and_a_half_units(name: str, scale: float) -> None:
    x = np.random.default_rng(0).normal(size=20001) * scale
    x = x[(np.abs(x) < 700.0)]
    exact = FUNCTIONS[name](x.astype(np.longdouble))
    error = np.abs(evaluate(name, x) - exact) / np.spacing(np.abs(exact.astype(float)))
    assert error.max() < 2.5


def test_special_values() -> None:
    x = np.array([0.0, -0.0, np.inf, -np.inf, np.nan, 1e300, -1e300, 5e-324])
    np.testing.assert_array_equal(evaluate("apply_tanh", x), [0.0, -0.0, 1.0, -1.0, np.nan, 1.0, -1.0, 5e-324])
    assert np.signbit(evaluate("apply_tanh", x)[1])
    y = evaluate("apply_logistic", x)
    np.testing.assert_array_equal(y[[0, 1, 2, 4, 5, 7]], [0.5, 0.5, 1.0, np.nan, 1.0, 0.5])
    assert (np.abs(y[[3, 6]]) < 1e-307).all()


@pytest.mark.parametrize("name", FUNCTIONS)
def test_an_element_is_the_same_at_every_place(name: str) -> None:
    x = np.random.default_rng(1).normal(size=27) * 3.0
    whole = evaluate(name, x)
    for first in range(1, 9):
        np.testing.assert_array_equal(evaluate(name, x[first:].copy()), whole[first:])


@pytest.mark.parametrize("name", FUNCTIONS)
def test_plain_python_gives_the_same(name: str) -> None:
    x = np.random.default_rng(2).normal(size=11) * 5.0
    plain = np.empty_like(x)
    getattr(vector_functions, name)(plain, 0, x, 0, x.size)
    np.testing.assert_allclose(plain, evaluate(name, x), rtol=1e-14)
