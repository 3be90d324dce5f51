"""Results: names, shapes, differences, stepped runs."""

import json
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from neurosim.errors import ParameterError, UnknownNameError
from neurosim.results import Column, Result, input_hash, versions


@pytest.fixture
def transient() -> Result:
    time = np.array([0.0, 1.0, 3.0])
    columns = {"V( A )": Column([1.0, 2.0, 4.0], "V"), "v(b)": Column([0.5, 0.5, 1.0], "V"), "I(V1)": [0, 1, 2]}
    return Result.build("time", time, columns, attrs={"seed": 7}, measures={"peak": 4.0})


def test_names_ignore_case_and_spaces(transient):
    assert transient.names == ("v(a)", "v(b)", "i(v1)")
    assert transient["V(a)"] is transient["v( A )"]
    assert transient.time is transient["TIME"]
    assert transient.axis_unit == "s"
    assert transient["i(v1)"].dtype == float


def test_difference_and_ground(transient):
    np.testing.assert_array_equal(transient["v(a,b)"], [0.5, 1.5, 3.0])
    np.testing.assert_array_equal(transient["v(0,b)"], [-0.5, -0.5, -1.0])
    np.testing.assert_array_equal(transient["V(gnd)"], np.zeros(3))
    assert transient.column("v(a,b)").unit == "V"
    assert "v(a,b)" in transient
    assert "v(a,c)" not in transient


def test_unknown_name_proposes_the_nearest(transient):
    with pytest.raises(UnknownNameError, match=r"no 'v\(aa\)'.*did you mean 'v\(a\)'"):
        transient["v(aa)"]
    with pytest.raises(UnknownNameError, match=r"v\(c\)"):
        transient["v(a,c)"]


def test_columns_cannot_be_changed_and_the_input_stays_writable():
    given_values = np.zeros(2)
    result = Result.build("time", [0, 1], {"v(a)": given_values})
    with pytest.raises(ValueError, match="read-only"):
        result["v(a)"][0] = 1
    given_values[0] = 1


def test_operating_point():
    result = Result.build(None, None, {"v(a)": Column(1.5, "V")})
    assert result.analysis == "op"
    assert result.shape == ()
    assert result["v(a)"] == 1.5
    with pytest.raises(UnknownNameError, match="operating point"):
        _ = result.axis
    with pytest.raises(UnknownNameError, match="operating point"):
        _ = result.time
    (_, only), *rest = result.runs()
    assert not rest
    assert only["v(a)"].shape == ()


def test_stepped_operating_point_is_a_sweep():
    outer = {"v2": Column([1, 2, 3], "V"), "r1": Column([10, 20], "Ohm")}
    result = Result.build(None, None, {"v(a)": np.arange(6).reshape(3, 2)}, extra_dims=outer)
    assert (result.axis_name, result.axis_unit, result.analysis) == ("r1", "Ohm", "dc")
    assert result.dims == ("v2", "r1")


@pytest.mark.parametrize(
    ("axis_name", "axis", "columns", "message"),
    [
        ("time", [0, 1], {"v(a)": [1, 2, 3]}, r"'v\(a\)' has shape \(3,\); the axes ask for \(2,\)"),
        ("time", [0, 1], {"v(a)": [1, 2], "V(A)": [1, 2]}, "used twice"),
        ("time", [0, 1], {"time": [1, 2]}, "used twice"),
        ("time", [[0, 1]], {}, "one row"),
        ("time", [0j, 1], {}, "real"),
        ("time", [0, 1], {"v(a)": ["x", "y"]}, "real or complex numbers"),
        ("time", [0, 1], {" ": [1, 2]}, "empty"),
    ],
)
def test_build_refuses(axis_name, axis, columns, message):
    with pytest.raises(ParameterError, match=message):
        Result.build(axis_name, axis, columns)


def test_dataset_has_units_and_shares_memory(transient):
    dataset = transient.dataset
    assert dataset["v(a)"].attrs["units"] == "V"
    assert dataset["time"].attrs["units"] == "s"
    assert dataset.attrs["seed"] == 7
    assert np.shares_memory(dataset["v(a)"].values, transient["v(a)"])
    back = Result.from_dataset(dataset)
    assert back.names == transient.names
    assert back.measures == {"peak": 4.0}
    np.testing.assert_array_equal(back["v(a)"], transient["v(a)"])


def test_from_dataset_turns_the_axis_last(transient):
    stacked = Result.stack([transient, transient], "r1", [1, 2], unit="Ohm")
    back = Result.from_dataset(stacked.dataset.transpose("time", "r1"), axis_name="time")
    assert back.dims == ("r1", "time")
    np.testing.assert_array_equal(back["v(a)"], stacked["v(a)"])
    with pytest.raises(ParameterError, match="has dimensions"):
        Result.from_dataset(stacked.dataset.assign(single=("r1", [1.0, 2.0])))


def test_interpolate_is_linear_and_refuses_the_outside(transient):
    made = transient.interpolate([0.5, 2.0, 3.0])
    np.testing.assert_allclose(made["v(a)"], [1.5, 3.0, 4.0], rtol=1e-15)
    assert made.attrs == transient.attrs
    with pytest.raises(ParameterError, match=r"time = 3\.5 s lies outside the result \(0 to 3\)"):
        transient.interpolate([1.0, 3.5])
    with pytest.raises(ParameterError, match="outside"):
        transient.interpolate([np.nan])


def test_interpolate_a_falling_complex_axis():
    result = Result.build("v1", [2.0, 1.0, 0.0], {"v(a)": [4 + 2j, 2 + 1j, 0]})
    np.testing.assert_allclose(result.interpolate([0.5, 1.5])["v(a)"], [1 + 0.5j, 3 + 1.5j])
    turning = Result.build("v1", [0.0, 2.0, 1.0], {"v(a)": [0, 0, 0]})
    with pytest.raises(ParameterError, match="turns back"):
        turning.interpolate([0.5])


@given(st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=20, unique=True), st.data())
def test_interpolating_at_the_stored_points_changes_nothing(points, data):
    axis = np.sort(points)
    values = np.array(data.draw(st.lists(st.floats(-1e6, 1e6), min_size=len(axis), max_size=len(axis))))
    result = Result.build("time", axis, {"v(a)": values})
    np.testing.assert_array_equal(result.interpolate(axis)["v(a)"], values)


def test_stack_on_a_shared_axis_and_runs_undo_each_other(transient):
    other = Result.build("time", transient.time, {name: -transient[name] for name in transient.names})
    stacked = Result.stack([transient, other], "r1", [1e3, 2e3], unit="Ohm")
    assert stacked.dims == ("r1", "time")
    assert stacked.shape == (2, 3)
    assert "stacked" not in stacked.attrs
    np.testing.assert_array_equal(stacked.measures["peak"], [4.0, np.nan])
    assert stacked.attrs["runs"] == [{"seed": 7}, {}]
    for (where, run), expected, resistance in zip(stacked.runs(), (transient, other), (1e3, 2e3), strict=True):
        assert where == {"r1": resistance}
        np.testing.assert_array_equal(run["v(a)"], expected["v(a)"])
    assert next(run.measures["peak"] for _, run in stacked.runs()) == 4.0


def test_stack_of_unequal_axes_keeps_every_point_and_says_so():
    first = Result.build("time", [0, 1, 4], {"v(a)": [0, 1, 4]})
    second = Result.build("time", [0, 2], {"v(a)": [0, 20]})
    stacked = Result.stack([first, second], "r1", [1, 2])
    np.testing.assert_array_equal(stacked.time, [0, 1, 2, 4])
    np.testing.assert_array_equal(stacked["v(a)"], [[0, 1, 2, 4], [0, 10, 20, np.nan]])
    assert "interpolation" in stacked.attrs["stacked"]
    late = Result.build("time", [1, 4], {"v(a)": [7, 7]})
    np.testing.assert_array_equal(Result.stack([first, late], "r1", [1, 2])["v(a)"], [[0, 1, 4], [np.nan, 7, 7]])
    chosen = Result.stack([first, second], "r1", [1, 2], axis=[0.0, 2.0])
    np.testing.assert_array_equal(chosen["v(a)"], [[0, 2], [0, 20]])


def test_stack_of_stacks_adds_an_outer_dimension(transient):
    inner = Result.stack([transient, transient], "r1", [1, 2])
    outer = Result.stack([inner, inner, inner], "r2", [1, 2, 3])
    assert outer.dims == ("r2", "r1", "time")
    assert outer.measures["peak"].shape == (3, 2)
    assert [run.measures["peak"] for _, run in outer.runs()] == [4.0] * 6


def test_stack_of_operating_points_is_a_sweep():
    points = [Result.build(None, None, {"v(a)": Column(value, "V")}) for value in (1.0, 2.0)]
    swept = Result.stack(points, "r1", [10, 20], unit="Ohm")
    assert swept.axis_name == "r1"
    np.testing.assert_array_equal(swept["v(a)"], [1, 2])


def test_stack_refuses_runs_that_differ(transient, monkeypatch):
    other = Result.build("time", transient.time, {"v(z)": transient["v(a)"]})
    with pytest.raises(ParameterError, match="do not fit together"):
        Result.stack([transient, other], "r1", [1, 2])
    with pytest.raises(ParameterError, match="no runs"):
        Result.stack([], "r1", [])
    with pytest.raises(ParameterError, match=r"axes ask for \(3, 3\)"):
        Result.stack([transient, transient], "r1", [1, 2, 3])
    shifted = Result.build("time", transient.time + 0.5, {name: transient[name] for name in transient.names})
    monkeypatch.setattr("neurosim.results.STACKED_POINTS_LIMIT", 3)
    with pytest.raises(ParameterError, match="give the points"):
        Result.stack([transient, shifted], "r1", [1, 2])


def test_repr_is_short(transient):
    assert repr(transient) == "Result(tran; time: 3; v(a), v(b), i(v1))"


def test_provenance():
    assert set(versions()) == {"neurosim", "python", "numpy", "scipy", "numba"}
    json.dumps(versions())
    assert input_hash("abc") == "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


def test_building_and_saving_csv_loads_no_xarray(tmp_path):
    code = (
        "import sys; from neurosim.results import Result; from neurosim import formats\n"
        f"formats.save(Result.build('time', [0, 1], {{'v(a)': [1, 2]}}), {str(tmp_path / 'x.csv')!r})\n"
        "heavy = {'xarray', 'pandas', 'matplotlib', 'numba', 'scipy'} & set(sys.modules)\n"
        "print(sorted(heavy))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
