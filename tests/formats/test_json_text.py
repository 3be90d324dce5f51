"""JSON: strict text, the summary for scripts, refusals."""

import json

import numpy as np
import pytest

from neurosim import formats
from neurosim.errors import FormatError
from neurosim.formats import json_text, strict_json
from neurosim.results import Column, Result


def strict(text):
    def refuse(word):
        raise AssertionError(word)

    return json.loads(text, parse_constant=refuse)


def test_summary_of_a_run():
    values = Column([1.0, np.nan, -3.0, 2.0], "V")
    result = Result.build("time", [0, 1, 2, 3], {"v(a)": values}, attrs={"seed": np.int64(7)}, measures={"m": np.nan})
    summary = json_text.summary(result)
    assert summary["columns"]["v(a)"] == {"unit": "V", "long_name": "", "final": 2.0, "minimum": -3.0, "maximum": 1 + 1}
    assert summary["axis"] == {"name": "time", "unit": "s", "points": 4, "first": 0.0, "last": 3.0}
    assert summary["measures"] == {"m": None}
    assert summary["attrs"] == {"seed": 7}
    assert "data" not in json.dumps(summary)


def test_summary_of_an_operating_point_and_of_complex_columns():
    assert json_text.summary(Result.build(None, None, {"v(a)": 1.5}))["columns"]["v(a)"]["final"] == 1.5
    ac = json_text.summary(Result.build("frequency", [1, 2], {"v(a)": [3 + 4j, 1j]}))["columns"]["v(a)"]
    assert ac["final"] == {"re": 0.0, "im": 1.0}
    assert (ac["minimum"], ac["maximum"]) == (1.0, 5.0)


def test_text_is_strict():
    values = {"a": [np.nan, np.inf, -np.inf], "b": np.array([[1.0, np.nan]]), "c": 1j, "d": (1, {2})}
    assert strict(strict_json.dumps(values)) == {
        "a": [None, "Infinity", "-Infinity"],
        "b": [[1.0, None]],
        "c": {"re": 0.0, "im": 1.0},
        "d": [1, [2]],
    }


def test_what_json_cannot_hold_is_refused_by_value():
    with pytest.raises(FormatError, match="type Result"):
        strict_json.dumps({"x": Result.build(None, None, {})})


def test_a_summary_cannot_be_read_back(tmp_path):
    formats.save(Result.build("time", [0], {"v(a)": [1]}), tmp_path / "x.json", data=False)
    with pytest.raises(FormatError, match=r"'v\(a\)' has no data: this is a summary"):
        formats.load(tmp_path / "x.json")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "line 1, column 2: .*expected JSON"),
        ("{}", 'expected an object with "format": "neurosim result"'),
        ('{"format": "neurosim result", "version": 99}', "version 99"),
        ('{"format": "neurosim result", "version": 1, "results": [{}]}', "an entry is missing"),
        ('{"a": NaN}', "'NaN' is not strict JSON"),
        ("[" * 100_000, "nested too deeply"),
    ],
)
def test_refusals(tmp_path, text, message):
    (tmp_path / "x.json").write_text(text)
    with pytest.raises(FormatError, match=message):
        formats.load(tmp_path / "x.json")
