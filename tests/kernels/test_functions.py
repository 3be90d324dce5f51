"""Accuracy, special values and vectorisation of the branch-free elementary functions."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Any

import numba
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from neurosim.kernels import functions

REFERENCE: dict[str, Callable[[Any], Any]] = {
    "fast_exp": np.exp,
    "fast_expm1": np.expm1,
    "fast_log": np.log,
    "fast_log1p": np.log1p,
    "fast_tanh": np.tanh,
    "fast_logistic": lambda x: 1 / (1 + np.exp(-x)),
    "fast_sinh": np.sinh,
    "fast_cosh": np.cosh,
    "softplus": lambda x: np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x))),
}
DOMAIN = {"fast_log": 0.0, "fast_log1p": -1.0}
SPECIAL = [0.0, 1.0, 2.0, 0.5, 3.0, 1e300, 5e-324, 1e-310, 2.0**-1022, math.inf]
SPECIAL = [*SPECIAL, *(-x for x in SPECIAL), math.nan]

_loops: dict[str, Any] = {}


def loop(name: str) -> Any:
    """A compiled loop over a batch that calls the function."""
    if name not in _loops:
        function = getattr(functions, name).compiled
        array = numba.types.Array(numba.float64, 1, "C")

        if name == "fast_pow":

            @numba.njit(numba.void(array, array, array), error_model="numpy")
            def run(x, y, out):
                for i in range(x.size):
                    out[i] = function(x[i], y[i])
        else:

            @numba.njit(numba.void(array, array), error_model="numpy")
            def run(x, out):
                for i in range(x.size):
                    out[i] = function(x[i])

        _loops[name] = run
    return _loops[name]


def evaluate(name: str, *arguments: Any) -> np.ndarray:
    arrays = [np.atleast_1d(np.array(a, float)) for a in arguments]
    out = np.empty_like(arrays[0])
    loop(name)(*arrays, out)
    return out


def units_in_last_place(result: np.ndarray, exact: np.ndarray) -> np.ndarray:
    """Error in units in the last place of the rounded exact value; infinite where only one of both is finite."""
    with np.errstate(invalid="ignore", over="ignore"):
        rounded = exact.astype(float)
        error = np.abs(result.astype(np.longdouble) - exact) / np.spacing(np.abs(rounded)).astype(np.longdouble)
    return np.where(np.isfinite(rounded), error, np.where(result == rounded, 0.0, np.inf)).astype(float)


def test_reference_has_more_digits_than_a_double() -> None:
    assert np.finfo(np.longdouble).eps < np.finfo(float).eps


@pytest.mark.parametrize("name", REFERENCE)
@pytest.mark.parametrize("seed", [0, 1])
def test_error_is_below_two_units(name: str, seed: int) -> None:
    rng = np.random.default_rng(seed)
    n = 50_000
    x = np.concatenate(
        [
            rng.uniform(-746.0, 711.0, n),
            rng.uniform(-40.0, 40.0, n),
            rng.uniform(-3.0, 3.0, n),
            rng.uniform(0.99, 1.01, n),
            rng.choice([-1.0, 1.0], n) * 10 ** rng.uniform(-323.0, 3.0, n),
            rng.choice([-1.0, 1.0], n) * 10 ** rng.uniform(-20.0, 308.0, n),
        ]
    )
    x = x[x > DOMAIN.get(name, -np.inf)]
    with np.errstate(over="ignore", under="ignore"):
        exact = REFERENCE[name](x.astype(np.longdouble))
    error = units_in_last_place(evaluate(name, x), exact)
    worst = int(np.argmax(error))
    assert error[worst] < 2.0, f"{name}({x[worst]!r}) is {error[worst]} units off"


@pytest.mark.parametrize("seed", range(3))
def test_power_is_accurate_below_one_unit(seed: int) -> None:
    rng = np.random.default_rng(seed)
    n = 50_000
    x = np.concatenate(
        [10 ** rng.uniform(-307.0, 307.0, n), 1.0 + rng.uniform(-0.3, 0.5, n), 1.0 + rng.uniform(-1e-9, 1e-9, n)]
    )
    y = np.concatenate([rng.uniform(-708.0, 709.0, 2 * n), rng.uniform(-1e9, 1e9, n)])
    y[: 2 * n] /= np.log(x[: 2 * n])
    # The long double exponent y log(x) keeps enough digits for a comparison in units only while it is small.
    exponent = y.astype(np.longdouble) * np.log(x.astype(np.longdouble))
    keep = np.abs(exponent) < 30.0
    error = units_in_last_place(evaluate("fast_pow", x, y)[keep], np.exp(exponent[keep]))
    assert error.max() < 1.0
    relative = np.abs(evaluate("fast_pow", x, y) / np.exp(exponent).astype(float) - 1.0)
    assert relative.max() < 3e-16
    x = rng.choice([-1.0, 1.0], n) * rng.uniform(0.1, 30.0, n)
    y = rng.integers(-12, 13, n).astype(float)
    assert units_in_last_place(evaluate("fast_pow", x, y), x.astype(np.longdouble) ** y).max() < 1.0


def test_power_has_the_special_values_of_the_standard() -> None:
    x, y = (grid.ravel() for grid in np.meshgrid(SPECIAL, SPECIAL))
    result = evaluate("fast_pow", x, y)
    with np.errstate(all="ignore"):
        expected = np.power(x, y)
    np.testing.assert_allclose(result, expected, rtol=2.3e-16, atol=0)
    known = ~np.isnan(expected)
    np.testing.assert_array_equal(np.signbit(result[known]), np.signbit(expected[known]))


def test_what_fades_has_an_error_below_two_units() -> None:
    draw = np.random.default_rng(0)
    x = np.concatenate([draw.uniform(0.0, 708.0, 20_000), draw.exponential(size=20_000), [0.0, 5e-324, 708.0]])
    assert units_in_last_place(evaluate("fast_fading", x), np.exp(-x.astype(np.longdouble))).max() < 2.0
    assert (evaluate("fast_fading", [708.1, math.inf]) == evaluate("fast_fading", 708.0)).all()


@pytest.mark.parametrize("name", [*REFERENCE, "limited_exp", "limited_exp_derivative", "fast_fading"])
def test_nan_stays_nan(name: str) -> None:
    assert np.isnan(evaluate(name, [math.nan, -math.nan])).all()


@pytest.mark.parametrize(
    ("name", "x", "expected"),
    [
        ("fast_exp", [math.inf, 709.79, -math.inf, -746.0, 0.0], [math.inf, math.inf, 0.0, 0.0, 1.0]),
        ("fast_exp", [709.78, -745.1], [1.7928227943945155e308, 5e-324]),
        ("fast_expm1", [math.inf, 709.79, -math.inf, -800.0, -0.0], [math.inf, math.inf, -1.0, -1.0, -0.0]),
        ("fast_log", [0.0, -0.0, 1.0, math.inf], [-math.inf, -math.inf, 0.0, math.inf]),
        ("fast_log", [-1.0, -5e-324, -math.inf], [math.nan] * 3),
        ("fast_log1p", [-1.0, -0.0, 0.0, math.inf], [-math.inf, -0.0, 0.0, math.inf]),
        ("fast_log1p", [-1.0000000000000002, -math.inf], [math.nan] * 2),
        ("fast_tanh", [math.inf, -math.inf, 400.0, -0.0, 5e-324], [1.0, -1.0, 1.0, -0.0, 5e-324]),
        ("fast_logistic", [math.inf, -math.inf, 0.0, -0.0, 800.0], [1.0, 0.0, 0.5, 0.5, 1.0]),
        ("fast_sinh", [math.inf, -math.inf, 711.0, -0.0], [math.inf, -math.inf, math.inf, -0.0]),
        ("fast_cosh", [math.inf, -math.inf, -711.0, -0.0], [math.inf, math.inf, math.inf, 1.0]),
        ("softplus", [math.inf, -math.inf, 800.0, -800.0], [math.inf, 0.0, 800.0, 0.0]),
    ],
)
def test_special_values(name: str, x: list[float], expected: list[float]) -> None:
    result = evaluate(name, x)
    np.testing.assert_array_equal(result, expected)
    finite = ~np.isnan(expected)
    np.testing.assert_array_equal(np.signbit(result[finite]), np.signbit(np.array(expected)[finite]))


@pytest.mark.parametrize("name", [*REFERENCE, "limited_exp", "fast_pow"])
def test_loops_are_vectorised(name: str) -> None:
    code = next(iter(loop(name).inspect_llvm().values()))
    assert re.search(r"call <\d+ x double> @llvm\.fma", code), f"the loop over {name} stayed scalar"


@pytest.mark.parametrize("name", [*REFERENCE, "limited_exp", "limited_exp_derivative"])
def test_plain_python_gives_the_same_bits(name: str) -> None:
    rng = np.random.default_rng(2)
    x = np.concatenate([SPECIAL, rng.uniform(-100.0, 100.0, 40), rng.standard_normal(40)])
    plain = [getattr(functions, name)(float(v)) for v in x]
    np.testing.assert_array_equal(evaluate(name, x), plain)


def test_plain_python_power_gives_the_same_bits() -> None:
    rng = np.random.default_rng(3)
    x, y = np.abs(rng.standard_normal(60)) * 10, rng.uniform(-20.0, 20.0, 60)
    plain = [functions.fast_pow(float(a), float(b)) for a, b in zip(x, y, strict=True)]
    np.testing.assert_array_equal(evaluate("fast_pow", x, y), plain)


def test_limited_exp_is_exp_below_its_cap() -> None:
    x = np.linspace(-800.0, functions.CAP, 1001)
    np.testing.assert_array_equal(evaluate("limited_exp", x), evaluate("fast_exp", x))
    np.testing.assert_array_equal(evaluate("limited_exp_derivative", x), evaluate("fast_exp", x))


@given(st.floats(min_value=80.0, max_value=1e250))
def test_limited_exp_is_its_tangent_above(x: float) -> None:
    slope = math.exp(functions.CAP)
    value, derivative = evaluate("limited_exp", x)[0], evaluate("limited_exp_derivative", x)[0]
    assert value == pytest.approx(slope * (1.0 + (x - functions.CAP)), rel=1e-15)
    assert derivative == pytest.approx(slope, rel=1e-15)


def test_limited_exp_at_infinity() -> None:
    np.testing.assert_array_equal(evaluate("limited_exp", [math.inf, -math.inf]), [math.inf, 0.0])


@given(st.floats(-700.0, 700.0), st.floats(-700.0, 700.0))
def test_monotone_within_rounding(a: float, b: float) -> None:
    low, high = min(a, b), max(a, b)
    for name in ("fast_exp", "fast_tanh", "fast_logistic", "softplus"):
        y = evaluate(name, [low, high])
        assert y[0] <= y[1] * (1 + 4.5e-16) if y[1] > 0 else y[0] <= y[1] * (1 - 4.5e-16)
