"""SPICE raw: real files of ngspice, the LTspice flavours, refusals with their place."""

from pathlib import Path

import numpy as np
import pytest

from neurosim import formats
from neurosim.errors import FormatError
from neurosim.results import Column, Result

DATA = Path(__file__).parent / "data"


@pytest.mark.parametrize("kind", ["binary", "text"])
def test_ngspice_file_of_four_plots(kind):
    ac, dc, op, transient = formats.load_all(DATA / f"ngspice_four_plots_{kind}.raw")
    assert [found.analysis for found in (ac, dc, op, transient)] == ["ac", "dc", "op", "tran"]
    assert transient.attrs["title"] == "* rc low pass"
    assert transient.names == ("v(in)", "v(out)", "i(v1)")
    assert transient.column("i(v1)").unit == "A"
    # The circuit is an RC low pass, so the file's numbers are known without ngspice.
    expected = 1 / (1 + 2j * np.pi * ac.axis * 1e3 * 100e-9)
    np.testing.assert_allclose(ac["v(out)"], expected, rtol=1e-9)
    np.testing.assert_allclose(ac["i(v1)"], (expected - 1) / 1e3, rtol=1e-9, atol=1e-15)
    assert ac.axis_unit == "Hz"
    assert dc.axis_name == "v-sweep"
    np.testing.assert_allclose(dc["v(out)"], dc.axis, atol=1e-12)
    assert op["v(out)"] == 0
    assert len(transient.time) == 63
    # Kirchhoff's law over the resistor, at the precision of 16 printed digits.
    np.testing.assert_allclose(transient["i(v1)"], -transient["v(in,out)"] / 1e3, atol=1e-12)


def test_text_and_binary_of_ngspice_agree():
    pairs = zip(
        formats.load_all(DATA / "ngspice_four_plots_text.raw"),
        formats.load_all(DATA / "ngspice_four_plots_binary.raw"),
        strict=True,
    )
    for text, binary in pairs:
        for name in (*text.dims, *text.names):
            np.testing.assert_allclose(text[name], binary[name], rtol=1e-14)


def test_ngspice_nested_sweep_is_split_into_runs():
    nested = formats.load(DATA / "ngspice_nested_dc.raw")
    assert nested.dims == ("run", "v-sweep")
    np.testing.assert_array_equal(nested.axis, [0, 0.5, 1])
    np.testing.assert_array_equal(nested["v(out)"], [[1, 1, 1], [2, 2, 2]])


def test_ngspice_write_command():
    ac = formats.load(DATA / "ngspice_write_ac_text.raw")
    assert ac.names == ("i(v1)", "v(in)", "v(out)")
    assert ac.axis[0] == pytest.approx(10)


@pytest.mark.parametrize("binary", [True, False])
def test_written_header(binary, tmp_path):
    columns = {"v(out)": Column([1.0, 2.0], "V"), "i(v1)": Column([3.0, 4.0], "A"), "m1.x": Column([0.1, 0.2])}
    result = Result.build("time", [0.0, 1.0], columns, attrs={"title": "a\nCommand: shell x", "date": "today"})
    formats.save(result, tmp_path / "x.raw", binary=binary)
    text = (tmp_path / "x.raw").read_bytes()
    header = (
        "Title: a Command: shell x\nDate: today\nPlotname: Transient Analysis\nFlags: real\nNo. Variables: 4\n"
        "No. Points: 2\nVariables:\n\t0\ttime\ttime\n\t1\tv(out)\tvoltage\n\t2\ti(v1)\tcurrent\n\t3\tm1.x\tnotype\n"
    )
    if binary:
        assert text == (header + "Binary:\n").encode() + np.array([0.0, 1, 3, 0.1, 1, 2, 4, 0.2]).tobytes()
    else:
        assert text.decode() == header + "Values:\n 0\t0.0\n\t1.0\n\t3.0\n\t0.1\n\n 1\t1.0\n\t2.0\n\t4.0\n\t0.2\n\n"
    np.testing.assert_array_equal(formats.load(tmp_path / "x.raw")["m1.x"], [0.1, 0.2])


@pytest.mark.parametrize("binary", [True, False])
def test_all_kinds_in_one_file(binary, tmp_path):
    time, frequency = np.linspace(0, 1e-3, 7), np.logspace(0, 3, 5)
    outer = {"r1": Column([1e3, 2e3], "Ohm")}
    written = [
        Result.build(None, None, {"v(a)": Column(1 / 3, "V")}),
        Result.build("time", time, {"v(a)": np.stack([time / 3, time / 7])}, extra_dims=outer),
        Result.build(
            "frequency", frequency, {"v(a)": np.stack([1 / (1 + 1j * frequency), 1j * frequency])}, extra_dims=outer
        ),
        Result.build("v1", [0, 1], {"v(a)": Column([0, 1], "V")}, axis_unit="V"),
    ]
    formats.save(written, tmp_path / "x.raw", binary=binary)
    for one, other in zip(written, formats.load_all(tmp_path / "x.raw"), strict=True):
        assert (other.dims, other.analysis, other.axis_unit) == (one.dims, one.analysis, one.axis_unit)
        for name in (*one.dims, "v(a)"):
            np.testing.assert_array_equal(other[name], one[name])


def ltspice(flags, points, data, *, plot="Transient Analysis", variables=("time\ttime", "V(N001)\tvoltage"), wide=True):
    """A file laid out as LTspice does: UTF-16 header (or the older one-byte header), then binary data."""
    # Between these two letters of a path UTF-16 has the bytes of a newline, at an odd place.
    letters = "\u0a05\u0100" if wide else "x"
    lines = [
        f"Title: * C:\\{letters}.asc",
        "Date: Sun Nov 22 14:51:18 2026",
        f"Plotname: {plot}",
        f"Flags: {flags}",
        f"No. Variables: {len(variables)}",
        f"No. Points: {points:12d}",
        "Offset:   0.0000000000000000e+000",
        "Command: Linear Technology Corporation LTspice XVII",
        "Backannotation: u1 1 2",
        "Variables:",
        *(f"\t{index}\t{variable}" for index, variable in enumerate(variables)),
        "Binary:",
    ]
    return "".join(line + "\n" for line in lines).encode("utf-16-le" if wide else "latin-1") + data


# Exact in single precision.
TIMES, VOLTAGES = np.array([0.0, -1e-3, 2e-3]), np.array([10.0, 1.5, 2.25], dtype="<f4")


@pytest.mark.parametrize("wide", [True, False])
def test_ltspice_double_time_single_data_and_negative_times(tmp_path, wide):
    rows = np.array(list(zip(TIMES, VOLTAGES)), dtype="<f8,<f4").tobytes()
    (tmp_path / "x.raw").write_bytes(ltspice("real forward compressed", 3, rows, wide=wide))
    result = formats.load(tmp_path / "x.raw")
    np.testing.assert_array_equal(result.time, [0, 1e-3, 2e-3])
    np.testing.assert_array_equal(result["v(n001)"], [10, 1.5, 2.25])
    assert result["v(n001)"].dtype == float
    assert result.attrs["title"] == ("* C:\\\u0a05\u0100.asc" if wide else "* C:\\x.asc")


def test_ltspice_fast_access_and_double(tmp_path):
    (tmp_path / "x.raw").write_bytes(ltspice("real forward fastaccess", 3, TIMES.tobytes() + VOLTAGES.tobytes()))
    np.testing.assert_array_equal(formats.load(tmp_path / "x.raw")["v(n001)"], VOLTAGES)
    rows = np.stack([TIMES, VOLTAGES.astype(float) / 3], axis=1).tobytes()
    (tmp_path / "x.raw").write_bytes(ltspice("real forward double", 3, rows))
    np.testing.assert_array_equal(formats.load(tmp_path / "x.raw")["v(n001)"], VOLTAGES.astype(float) / 3)


def test_ltspice_complex_and_stepped(tmp_path):
    frequency = np.array([1, 10, 1, 10])
    rows = np.stack([frequency.astype("<c16"), np.array([1j, 2, 3, 4j])], axis=1).tobytes()
    variables = ("frequency\tfrequency", "V(out)\tvoltage")
    path = tmp_path / "x.raw"
    path.write_bytes(ltspice("complex forward log stepped", 4, rows, plot="AC Analysis", variables=variables))
    result = formats.load(path)
    assert result.dims == ("run", "frequency")
    np.testing.assert_array_equal(result["v(out)"], [[1j, 2], [3, 4j]])


def test_ltspice_stepped_runs_of_unequal_points(tmp_path):
    times, values = np.array([0, 2, 0, 1, 2.0]), np.array([0, 4, 0, 1, 2], dtype="<f4")
    rows = np.array(list(zip(times, values)), dtype="<f8,<f4").tobytes()
    (tmp_path / "x.raw").write_bytes(ltspice("real forward stepped", 5, rows))
    result = formats.load(tmp_path / "x.raw")
    np.testing.assert_array_equal(result.time, [0, 1, 2])
    np.testing.assert_array_equal(result["v(n001)"], [[0, 2, 4], [0, 1, 2]])


def test_ltspice_stepped_operating_points(tmp_path):
    rows = np.array([(1.0, 2.0), (3.0, 4.0)], dtype="<f8,<f4").tobytes()
    variables = ("V(a)\tvoltage", "I(R1)\tdevice_current")
    path = tmp_path / "x.raw"
    path.write_bytes(ltspice("real stepped", 2, rows, plot="Operating Point", variables=variables))
    result = formats.load(path)
    assert result.dims == ("run",)
    assert result.column("i(r1)").unit == "A"
    np.testing.assert_array_equal(result["v(a)"], [1, 3])


def test_bare_names_and_branches(tmp_path):
    rows = np.arange(4.0).tobytes()
    variables = ("time\ttime", "out\tvoltage", "v1#branch\tcurrent", "@m1[id]\tcurrent")
    content = ltspice("real", 1, rows, variables=variables, wide=False).replace(b"Command: Linear", b"Note: Linear")
    (tmp_path / "x.raw").write_bytes(content)
    assert formats.load(tmp_path / "x.raw").names == ("v(out)", "i(v1)", "@m1[id]")


HEADER = "Title: t\nPlotname: Transient Analysis\nFlags: real\nNo. Variables: 2\nNo. Points: 2\n"
TABLE = "Variables:\n\t0\ttime\ttime\n\t1\tv(a)\tvoltage\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (" \n", "the file is empty"),
        ("hello\n", "plot 1: byte 0: expected a header line 'Name: value', got 'hello'"),
        (HEADER, "ends without 'Binary:' or 'Values:'"),
        (HEADER + "Binary:\n", "no 'Variables:' before the data"),
        ("Title: t\n" + TABLE, "no line 'No. variables:'"),
        (HEADER.replace("Points: 2", "Points: 1e3") + TABLE + "Binary:\n", "'no. points' is '1e3'"),
        (HEADER.replace("Points: 2", "Points: 999999999999") + TABLE + "Binary:\n", "ends early: .* 0 are there"),
        (HEADER + TABLE.replace("\t1\t", "\t7\t") + "Binary:\n", "expected variable 1 as 'index name type', got '7"),
        (HEADER + "Variables:\n\t0\ttime\ttime\n", "expected variable 1 as 'index name type', got ''"),
        (HEADER + TABLE.replace("voltage", "voltage dims=2,3") + "Binary:\n", "own dimensions"),
        (HEADER.replace("real", "real unpadded") + TABLE + "Binary:\n", "'unpadded' vectors are not read"),
        (HEADER.replace("real", "real zipped") + TABLE + "Binary:\n", "unknown flag 'zipped'; known: "),
        (HEADER + TABLE + "Binary:\n" + "x" * 31, "2 points of 16 bytes are 32 bytes, 31 are there .1 whole points."),
        (HEADER + TABLE + "Values:\n0 1\n2\n1 2\n", r"hold 5 numbers; .* are 6 \(1 whole points\)"),
        (HEADER + TABLE + "Values:\n0 1\n2\n2 2\n3\n", "point 1 carries the index 2"),
        (HEADER + TABLE + "Values:\n0 1\n2\n1 2\nx\n", "could not convert string to float"),
        (HEADER + TABLE + "Values:\n0 1\n2\n1 2\n1_0\n", "'_' is no part of a number"),
        (HEADER + TABLE.replace("v(a)\tvoltage", "time\ttime") + "Values:\n0 1\n2\n1 2\n3\n", "'time' stands twice"),
        (HEADER + TABLE + "Values:\n0 1\n2\n1 2\n3\nTitle: u\n", "plot 2: the header at byte"),
    ],
)
def test_refusals(tmp_path, text, message):
    (tmp_path / "x.raw").write_text(text)
    with pytest.raises(FormatError, match=message):
        formats.load(tmp_path / "x.raw")
