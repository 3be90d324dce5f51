"""CSV: the exact text, complex pairs, nested sweeps, and refusals with their place."""

import time

import numpy as np
import pytest

from neurosim import formats
from neurosim.errors import FormatError
from neurosim.results import Column, Result


def text_of(result, tmp_path):
    formats.save(result, tmp_path / "x.csv")
    return (tmp_path / "x.csv").read_text()


def test_transient_text(tmp_path):
    result = Result.build("time", [0, 1e-9], {"V(out)": [0.1, 1 / 3], "i(v1)": [-1e-12, np.nan]})
    assert text_of(result, tmp_path) == "time,v(out),i(v1)\n0.0,0.1,-1e-12\n1e-09,0.3333333333333333,nan\n"


def test_ac_text_is_in_pairs(tmp_path):
    result = Result.build("frequency", [1.0], {"v(out)": [1 - 2j]})
    assert text_of(result, tmp_path) == "frequency,re:v(out),im:v(out)\n1.0,1.0,-2.0\n"


def test_operating_point_is_one_row_without_axis(tmp_path):
    result = Result.build(None, None, {"v(a)": 1.5, "i(v1)": -2.0})
    assert text_of(result, tmp_path) == "v(a),i(v1)\n1.5,-2.0\n"


def test_nested_sweep_has_outer_names_after_the_axis(tmp_path):
    outer = {"v2": Column([5, 6], "V"), "temp": Column([27, 85], "degC")}
    result = Result.build("v1", [0, 1], {"v(a)": np.arange(8).reshape(2, 2, 2)}, extra_dims=outer)
    assert text_of(result, tmp_path) == (
        "v1,v2,temp,v(a)\n0.0,5.0,27.0,0.0\n1.0,5.0,27.0,1.0\n0.0,5.0,85.0,2.0\n1.0,5.0,85.0,3.0\n"
        "0.0,6.0,27.0,4.0\n1.0,6.0,27.0,5.0\n0.0,6.0,85.0,6.0\n1.0,6.0,85.0,7.0\n"
    )
    assert formats.load(tmp_path / "x.csv").dims == ("v2", "temp", "v1")


def test_names_with_commas_are_quoted(tmp_path):
    result = Result.build("time", [0], {"v(a,b)": [1]})
    assert text_of(result, tmp_path).splitlines()[0] == 'time,"v(a,b)"'


def test_units_come_from_names(tmp_path):
    (tmp_path / "x.csv").write_text("\ufeffTime, V(out) ,I(v1),m1.x\r\n0,1,2,3\r\n1,1,2,3\r\n", encoding="utf-8")
    result = formats.load(tmp_path / "x.csv")
    assert [result.column(name).unit for name in ("time", "v(out)", "i(v1)", "m1.x")] == ["s", "V", "A", ""]


def test_runs_of_unequal_points_become_a_stack(tmp_path):
    (tmp_path / "x.csv").write_text("time,r1,v(a)\n0,10,0\n1,10,1\n0,20,0\n0.5,20,5\n1,20,10\n")
    result = formats.load(tmp_path / "x.csv")
    assert result.dims == ("r1", "time")
    np.testing.assert_array_equal(result["r1"], [10, 20])
    np.testing.assert_array_equal(result["v(a)"], [[0, 0.5, 1], [0, 5, 10]])


def test_an_axis_that_turns_back_is_one_run(tmp_path):
    (tmp_path / "x.csv").write_text("v1,v(a)\n0,0\n1,1\n2,2\n1,5\n0,0\n")
    result = formats.load(tmp_path / "x.csv")
    np.testing.assert_array_equal(result.axis, [0, 1, 2, 1, 0])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", r"x\.csv:1: expected a header line"),
        ("time,,v(a)\n0,1,2\n", r"x\.csv:1: expected a header line"),
        ("time,v(a),V(A)\n0,1,2\n", r"'v\(a\)' stands twice"),
        ("time,v(a)\n0,1\n1\n", "number of columns changed from 2 to 1"),
        ("time,v(a)\n0,1,2\n", "3 values in a row, but the header names 2"),
        ("time,v(a)\n0,one\n", "could not convert string 'one'"),
        ("time,re:v(a)\n0,1\n", r"'re:v\(a\)' has no partner 'im:v\(a\)'"),
        ("0,1\n1,2\n", "expected a header line of column names, got numbers"),
    ],
)
def test_refusals(tmp_path, text, message):
    (tmp_path / "x.csv").write_text(text)
    with pytest.raises(FormatError, match=message):
        formats.load(tmp_path / "x.csv")


def test_many_rows_are_fast(tmp_path):
    rows = 100_000
    axis = np.linspace(0, 1, rows)
    result = Result.build("time", axis, {f"v({net})": np.sin(axis * net) for net in range(1, 5)})
    start = time.perf_counter()
    formats.save(result, tmp_path / "x.csv")
    back = formats.load(tmp_path / "x.csv")
    # About 0.7 s on one 2020s core; ten times that would mean a loop over cells.
    assert time.perf_counter() - start < 7
    np.testing.assert_array_equal(back["v(4)"], result["v(4)"])
