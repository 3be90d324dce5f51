"""What every plot must do: draw its analyses legibly, in the caller's Axes too, and leave matplotlib's state alone."""

import itertools
import subprocess
import sys

import matplotlib
import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from neurosim import plots
from neurosim.errors import FormatError, ParameterError, UnknownNameError
from neurosim.plots.bode import bode
from neurosim.plots.operating_point import BARS_SHOWN, operating_point
from neurosim.plots.pinched_loop import pinched_loop
from neurosim.plots.style import LINES_SHOWN, PALETTE, engineering, si_scale
from neurosim.plots.waveforms import waveforms
from neurosim.results import Column, Result

TIME = np.linspace(0, 5e-3, 200)
VOLTAGE = 1.2 * np.sin(2 * np.pi * 400 * TIME)
FREQUENCY = np.logspace(1, 6, 60)
LOW_PASS = 1 / (1 + 1j * FREQUENCY / 1e3)


def transient(scale: float = 1.0) -> Result:
    columns = {
        "v(in)": Column(VOLTAGE, "V"),
        "v(out)": Column(scale * VOLTAGE / 2, "V"),
        "i(v1)": Column(-scale * VOLTAGE / 1e4, "A"),
        "m1.x": Column(0.5 + scale * VOLTAGE / 4),
    }
    return Result.build("time", TIME, columns)


def many_nodes(count: int) -> Result:
    return Result.build("time", TIME, {f"v(node{k})": Column(VOLTAGE + k, "V") for k in range(count)})


EXAMPLES = {
    "transient": transient(),
    "many": many_nodes(60),
    "stepped": Result.stack([transient(k / 5) for k in range(1, 6)], "rload", [1e3, 2e3, 5e3, 1e4, 2e4], unit="Ohm"),
    "ac": Result.build("frequency", FREQUENCY, {"v(in)": Column(LOW_PASS**0, "V"), "v(out)": Column(LOW_PASS, "V")}),
    "dc": Result.build("v1", np.linspace(0, 5, 11), {"v(out)": Column(np.arange(11.0), "V")}, axis_unit="V"),
    "op": Result.build(None, None, {"v(a)": Column(1.5, "V"), "v(b)": Column(-0.2, "V"), "i(v1)": Column(-1e-3, "A")}),
    "one_point": Result.build("time", [0.0], {"v(a)": Column([1.0], "V")}),
    "not_finite": Result.build("time", [0.0, 1.0], {"v(a)": Column([np.nan, np.inf], "V")}),
    "zero": Result.build("time", [0.0, 1.0], {"v(a)": Column([0.0, 0.0], "V")}),
    "narrow": Result.build("time", TIME, {"v(a)": Column(5 + 1e-6 * VOLTAGE, "V")}),
    "zero_ac": Result.build("frequency", FREQUENCY, {"v(a)": Column(0 * LOW_PASS, "V")}),
}


def settings() -> dict:
    # The backend is chosen when it is first looked at, so looking would change it.
    return {key: matplotlib.rcParams[key] for key in matplotlib.rcParams if not key.startswith("backend")}


def legend_texts(ax) -> list[str]:
    legend = ax.get_legend()
    return [] if legend is None else [text.get_text() for text in legend.get_texts()]


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("name", EXAMPLES)
def test_default_figure_is_legible(name):
    before = settings()
    result = EXAMPLES[name]
    figure = plots.draw_figure(result)
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    renderer = canvas.get_renderer()
    page = figure.bbox
    for ax in figure.axes:
        inside = ax.get_window_extent(renderer)
        assert inside.width > 0.3 * page.width
        assert inside.height > 5
        assert ax.get_xlabel() or len(figure.axes) > 1
        everything = ax.get_tightbbox(renderer)
        assert everything.x0 >= page.x0 - 1
        assert everything.y0 >= page.y0 - 1
        assert everything.x1 <= page.x1 + 1
        assert everything.y1 <= page.y1 + 1
        legend = ax.get_legend()
        assert legend is None or not legend.get_window_extent(renderer).overlaps(inside)
        for axis in (ax.xaxis, ax.yaxis):
            low, high = sorted(axis.get_view_interval())
            boxes = [
                tick.label1.get_window_extent(renderer)
                for tick in axis.get_major_ticks()
                if low <= tick.get_loc() <= high and tick.label1.get_text() and tick.label1.get_visible()
            ]
            assert not any(one.overlaps(other) for one, other in itertools.pairwise(boxes))
    assert settings() == before


def test_every_plot_declares_itself_and_every_analysis_has_one_default():
    defaults = [analysis for plot in plots.plots for analysis in plot.default_for]
    assert sorted(defaults) == sorted(set(defaults))
    assert {"op", "tran", "ac", "dc"} <= set(defaults)
    assert all(plot.description for plot in plots.plots)


@pytest.mark.parametrize("name", [name for name in plots.plots.names() if name != "ensemble"])
def test_every_plot_refuses_an_unknown_column(name):
    example = {"bode": "ac", "operating_point": "op"}.get(name, "transient")
    with pytest.raises(UnknownNameError, match="no 'v\\(nowhere\\)'"):
        plots.draw_figure(EXAMPLES[example], plot=name, names=["v(nowhere)", "v(out)"])


def test_matplotlib_is_loaded_to_draw_and_pyplot_never(tmp_path):
    code = (
        "import sys; from neurosim import plots; from neurosim.results import Result\n"
        "names = plots.plots.names(); print('matplotlib' in sys.modules)\n"
        f"plots.save_figure(Result.build(None, None, {{'v(a)': 1.0}}), {str(tmp_path / 'x.png')!r})\n"
        "print('matplotlib.pyplot' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False"]


def test_an_unknown_analysis_is_drawn_by_its_axis_and_numbers():
    noise = Result.build("frequency", FREQUENCY, {"onoise": abs(LOW_PASS)}, attrs={"analysis": "noise"})
    assert plots.default_plot(noise).name == "waveforms"
    assert plots.draw_figure(noise).axes[0].get_xscale() == "log"
    assert plots.default_plot(EXAMPLES["ac"]).name == "bode"


def test_waveform_panels_labels_and_data():
    axes = waveforms(EXAMPLES["transient"])
    assert [ax.get_ylabel() for ax in axes] == ["voltage (V)", "i(v1) (µA)", "m1.x"]
    assert axes[-1].get_xlabel() == "time (ms)"
    assert legend_texts(axes[0]) == ["v(in)", "v(out)"]
    line = axes[0].get_lines()[1]
    np.testing.assert_array_equal(line.get_ydata(), VOLTAGE / 2)
    assert [line.get_color() for line in axes[0].get_lines()] == list(PALETTE[:2])


def test_waveforms_in_the_callers_axes():
    figure = Figure()
    own = figure.subplots()
    assert waveforms(EXAMPLES["transient"], ["v(in,out)"], own) == [own]
    np.testing.assert_array_equal(own.get_lines()[0].get_ydata(), VOLTAGE / 2)
    with pytest.raises(ParameterError, match=r"1 Axes given, but the columns have 3 units \(V, A, dimensionless\)"):
        waveforms(EXAMPLES["transient"], ax=own)


def test_many_columns_say_what_is_left_out():
    (ax,) = waveforms(EXAMPLES["many"])
    assert len(ax.get_lines()) == LINES_SHOWN
    assert ax.get_legend().get_title().get_text() == f"{60 - LINES_SHOWN} of 60 not drawn"
    (ax,) = waveforms(EXAMPLES["many"], EXAMPLES["many"].names)
    assert len(ax.get_lines()) == 60
    assert "more unlabelled" in ax.get_legend().get_title().get_text()


def test_lines_of_one_panel_look_different():
    (ax,) = waveforms(EXAMPLES["many"])
    looks = {(line.get_color(), str(line._unscaled_dash_pattern)) for line in ax.get_lines()}
    assert len(looks) == LINES_SHOWN


def test_stepped_run_labels_its_runs():
    axes = waveforms(EXAMPLES["stepped"], ["i(v1)"])
    assert legend_texts(axes[0])[:2] == ["rload = 1 kΩ", "rload = 2 kΩ"]


def test_pinched_loop_signs_and_start():
    ax = pinched_loop(EXAMPLES["transient"], "v(in,out)", "-i(v1)")
    loop = ax.get_lines()[2]
    np.testing.assert_array_equal(loop.get_xdata(), VOLTAGE / 2)
    np.testing.assert_array_equal(loop.get_ydata(), VOLTAGE / 1e4)
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("v(in,out) (mV)", "-i(v1) (µA)")
    assert ax.get_legend() is None
    with pytest.raises(ParameterError, match="two names"):
        plots.draw_figure(EXAMPLES["transient"], plot="pinched_loop")


def test_bode_numbers():
    magnitude, phase = bode(EXAMPLES["ac"], ["v(out)"])
    np.testing.assert_allclose(magnitude.get_lines()[0].get_ydata(), 20 * np.log10(abs(LOW_PASS)))
    np.testing.assert_allclose(phase.get_lines()[0].get_ydata(), -np.degrees(np.arctan(FREQUENCY / 1e3)))
    assert phase.get_xscale() == "log"
    assert phase.get_xlabel() == "frequency (Hz)"


def test_bode_phase_does_not_jump():
    result = Result.build("frequency", FREQUENCY, {"v(a)": Column(LOW_PASS**5, "V")})
    phase = bode(result)[1].get_lines()[0].get_ydata()
    assert phase[-1] == pytest.approx(-450, abs=1)


def test_plots_refuse_what_they_cannot_show():
    with pytest.raises(ParameterError, match="complex; draw it as a bode plot"):
        waveforms(EXAMPLES["ac"])
    with pytest.raises(ParameterError, match="needs a frequency axis; this result has time"):
        bode(EXAMPLES["transient"])
    with pytest.raises(ParameterError, match="use the operating_point plot"):
        waveforms(EXAMPLES["op"])
    with pytest.raises(ParameterError, match="runs over 'time'"):
        operating_point(EXAMPLES["transient"])
    with pytest.raises(ParameterError, match="one point"):
        pinched_loop(EXAMPLES["op"], "v(a)", "i(v1)")
    with pytest.raises(ParameterError, match="two Axes"):
        bode(EXAMPLES["ac"], ax=[Figure().subplots()])


def test_operating_point_is_sorted_and_limited():
    values = {f"v(n{k})": Column((-1) ** k * (k + 1.0), "V") for k in range(BARS_SHOWN + 5)}
    (ax,) = operating_point(Result.build(None, None, values))
    widths = [bar.get_width() for bar in ax.patches]
    assert widths == sorted(widths, reverse=True)
    assert min(abs(width) for width in widths) == 6
    assert ax.get_title(loc="left") == f"the {BARS_SHOWN} largest of {BARS_SHOWN + 5}"


@pytest.mark.parametrize("suffix", [".png", ".svg", ".pdf", ".PNG"])
def test_save_figure(suffix, tmp_path):
    path = tmp_path / f"x{suffix}"
    plots.save_figure(EXAMPLES["transient"], path, title="cost in $ and µ")
    start = {".png": b"\x89PNG", ".svg": b"<?xml", ".pdf": b"%PDF"}[suffix.lower()]
    assert path.read_bytes().startswith(start)
    assert list(tmp_path.iterdir()) == [path]


def test_save_figure_refuses_an_unknown_suffix(tmp_path):
    with pytest.raises(FormatError, match=r"'\.xyz' is no kind of image; known: .*png"):
        plots.save_figure(EXAMPLES["op"], tmp_path / "x.xyz")
    with pytest.raises(FormatError, match="does not exist"):
        plots.save_figure(EXAMPLES["op"], tmp_path / "gone" / "x.png")


@pytest.mark.filterwarnings("error")
def test_a_very_long_noisy_line_is_drawn(tmp_path):
    noise = np.random.default_rng(1).normal(size=200_000)
    result = Result.build("time", np.arange(noise.size), {"v(a)": Column(noise, "V")})
    plots.save_figure(result, tmp_path / "x.png")


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (1500.0, "Ohm", "1.5 kΩ"),
        (-1.23e-3, "A", "−1.23 mA"),
        (0.0, "V", "0 V"),
        (0.31, "", "0.31"),
        (1e-18, "F", "0.001 fF"),
    ],
)
def test_engineering_text(value, unit, text):
    assert engineering(value, unit) == text


def test_si_scale():
    assert si_scale(0.5, "V") == (1e-3, "mV")
    assert si_scale(1.0, "V") == (1.0, "V")
    assert si_scale(1e-3, "s") == (1e-3, "ms")
    assert si_scale(27.0, "degC") == (1.0, "°C")
