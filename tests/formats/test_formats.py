"""What every format must do: found by the registry, round trip, refuse broken files, write whole or not at all."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from neurosim import formats
from neurosim.errors import FormatError, NeurosimError
from neurosim.results import Column, Result

EVERY = formats.formats.names()
NAMES = st.sampled_from(["v(out)", "i(v1)", "m1.x", "v(a,b)", 'say"so', "a/b", "re", "%25", "_%x", "größe", "x:y"])
ATTRS = st.dictionaries(
    st.sampled_from(["seed", "method", "statistics", "größe", "a b"]),
    st.recursive(
        st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats(allow_nan=False) | st.text(max_size=8),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
        max_leaves=5,
    ).filter(lambda value: "Infinity" not in repr(value) and "inf" not in repr(value)),
    max_size=4,
)


@st.composite
def results(draw, *, empty: bool = True) -> Result:
    """Any Result: operating points, sweeps, stepped runs, real and complex, NaN and infinities."""
    kind = draw(st.sampled_from(["op", "tran", "ac", "dc"]))
    distinct = st.lists(st.floats(0, 1e3), min_size=0 if empty else 1, max_size=5, unique=True).map(sorted)
    extra = {}
    if kind != "op" and draw(st.booleans()):
        extra["r1"] = Column(draw(st.lists(st.floats(1, 9), min_size=2, max_size=3, unique=True)), "Ohm", "load")
        empty = False
        if draw(st.booleans()):
            extra["m1.r_off"] = Column(draw(st.lists(st.floats(1, 9), min_size=2, max_size=3, unique=True)), "Ohm")
    name = {"op": None, "tran": "time", "ac": "frequency", "dc": "v1"}[kind]
    axis = None if name is None else np.array(draw(distinct.filter(lambda points: empty or points)), dtype=float)
    shape = tuple(len(dimension.values) for dimension in extra.values()) + (() if axis is None else axis.shape)
    columns = {}
    for column in draw(st.lists(NAMES, min_size=1, max_size=3, unique=True)):
        values = draw(arrays.arrays(complex if kind == "ac" else float, shape))
        columns[column] = Column(
            values, "V" if column.startswith("v") else "", draw(st.sampled_from(["", "some words"]))
        )
    measures = {"peak": np.asarray(draw(arrays.arrays(float, shape[:-1])))} if extra else {"peak": 1.5}
    return Result.build(name, axis, columns, extra_dims=extra, attrs=draw(ATTRS), measures=measures)


def same_numbers(one: Result, other: Result) -> None:
    assert other.dims == one.dims
    assert other.names == one.names
    for name in (*one.dims, *one.names):
        np.testing.assert_array_equal(other[name], one[name], err_msg=name)
        assert other[name].dtype == one[name].dtype
        known = ~np.isnan(one[name])
        for part in (np.real, np.imag):
            np.testing.assert_array_equal(np.signbit(part(other[name]))[known], np.signbit(part(one[name]))[known])


def same(one: Result, other: Result) -> None:
    same_numbers(one, other)
    for name in (*one.dims, *one.names):
        assert other.column(name).unit == one.column(name).unit
        assert other.column(name).long_name == one.column(name).long_name
    assert other.attrs == one.attrs
    assert other.measures.keys() == one.measures.keys()
    for name, value in one.measures.items():
        np.testing.assert_array_equal(other.measures[name], value)


def is_ambiguous(result: Result, chosen: formats.Format) -> bool:
    """A table without attributes cannot tell a one-point sweep from an operating point (see `csv_table.read`)."""
    return chosen.name == "csv" and result.axis_name == "v1" and result.shape == (1,)


@pytest.mark.parametrize("name", EVERY)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_round_trip(name, data, tmp_path):
    chosen = formats.formats.get(name)
    result = data.draw(results(empty=name != "netcdf"))
    path = tmp_path / f"file{chosen.suffixes[0]}"
    formats.save(result, path)
    back = formats.load(path)
    if is_ambiguous(result, chosen):
        assert back.names == ("v1", *result.names)
    elif chosen.keeps == "all":
        same(result, back)
    else:
        same_numbers(result, back)


@pytest.mark.parametrize("name", EVERY)
@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_broken_file_gives_a_format_error_or_a_result(name, data, tmp_path):
    chosen = formats.formats.get(name)
    path = tmp_path / f"file{chosen.suffixes[0]}"
    formats.save(data.draw(results(empty=False)), path)
    content = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(0, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path.write_bytes(content[: data.draw(st.integers(0, len(content)))])
    found, refusal = [], str(path)
    try:
        found = formats.load_all(path)
    except FormatError as error:
        refusal = str(error)
    assert str(path) in refusal
    assert all(isinstance(result, Result) for result in found)


@pytest.mark.parametrize("name", EVERY)
def test_several_results_in_one_file(name, tmp_path):
    chosen = formats.formats.get(name)
    path = tmp_path / f"file{chosen.suffixes[0]}"
    first = Result.build("time", [0, 1], {"v(a)": Column([1, 2], "V")})
    second = Result.build(None, None, {"v(a)": Column(3, "V")})
    if not chosen.several:
        with pytest.raises(FormatError, match="holds one result, not 2"):
            formats.save([first, second], path)
        assert not list(tmp_path.iterdir())
        return
    formats.save([first, second], path)
    same_numbers(formats.load(path, number=1), second)
    with pytest.raises(FormatError, match=r"holds 2 results; choose one by number: 0: Result\(tran"):
        formats.load(path)
    with pytest.raises(FormatError, match="choose one"):
        formats.load(path, number=2)


@pytest.mark.parametrize("name", EVERY)
def test_missing_and_foreign_files(name, tmp_path):
    chosen = formats.formats.get(name)
    path = tmp_path / f"none{chosen.suffixes[0]}"
    with pytest.raises(FormatError, match=r"cannot read .*none"):
        formats.load(path)
    for content in (b"", b"\x89PNG\r\n\x1a\n\0\0\0", "žluťoučký kůň".encode("utf-16")):
        path.write_bytes(content)
        with pytest.raises(FormatError):
            formats.load(path)


@pytest.mark.parametrize("name", EVERY)
def test_declaration(name):
    chosen = formats.formats.get(name)
    assert chosen.description
    assert all(suffix.startswith(".") and suffix == suffix.lower() for suffix in chosen.suffixes)
    assert chosen.keeps in ("all", "values")
    assert formats.format_for(f"X{chosen.suffixes[0].upper()}") is chosen


def test_no_suffix_belongs_to_two_formats():
    suffixes = [suffix for chosen in formats.formats for suffix in chosen.suffixes]
    assert len(suffixes) == len(set(suffixes))
    assert {".csv", ".raw", ".nc", ".json"} <= set(suffixes)


def test_unknown_suffix_and_name(tmp_path):
    result = Result.build(None, None, {"v(a)": 1.0})
    with pytest.raises(FormatError, match=r"the suffix '\.xyz', which names no result format; known: \.csv \(csv\)"):
        formats.save(result, tmp_path / "file.xyz")
    with pytest.raises(FormatError, match="no suffix"):
        formats.load(tmp_path / "file")
    with pytest.raises(NeurosimError, match="unknown format 'cvs'; did you mean 'csv'"):
        formats.save(result, tmp_path / "file", format="cvs")
    formats.save(result, tmp_path / "file", format="csv")
    assert formats.load(tmp_path / "file", format="csv")["v(a)"] == 1.0
    with pytest.raises(FormatError, match="there is no result"):
        formats.save([], tmp_path / "file.csv")
