"""``neurosim run`` and ``convert``: files, tables, exit codes."""

import json

import numpy as np
import pytest

from neurosim.formats import load, load_all


def names(folder, before):
    return sorted(path.name for path in folder.iterdir() if path.name not in before)


@pytest.fixture
def before(folder):
    return {path.name for path in folder.iterdir()}


def test_default_is_table_result_file_and_figure(neurosim, folder, before):
    answer = neurosim("run", "divider.cir")
    assert answer.code == 0
    assert names(folder, before) == ["divider.nc", "divider.op.nc", "divider.png"]
    assert "DC sweep: v1 0 V to 2 V, 5 points" in answer.out
    assert "operating point" in answer.out
    assert "wrote divider.nc, divider.op.nc, divider.png" in answer.out
    rows = [line.split() for line in answer.out.splitlines()]
    assert ["v(out)", "0", "V", "1.5", "V", "0", "V", "1.5", "V"] in rows
    assert ["v(out)", "750", "mV"] in rows
    assert ["top", "1.5"] in rows
    assert ["never", "failed"] in rows
    assert "note: measure 'never' failed: v(out) = 25 has no crossings" in answer.err
    assert all(len(line) <= 80 for line in answer.out.splitlines())
    kept = load("divider.nc")
    assert kept.attrs["source"] == "divider.cir"
    assert kept.measures["top"] == 1.5


def test_csv_of_each_analysis(neurosim, folder, before):
    answer = neurosim("run", "divider.cir", "--csv", "x.csv", "--save", "v(out)", "--save", "i(v1)")
    assert names(folder, before) == ["x.csv", "x.op.csv"]
    assert "wrote x.csv, x.op.csv" in answer.out
    assert (folder / "x.op.csv").read_text().splitlines()[0] == "v(out),i(v1)"
    table = np.loadtxt("x.csv", delimiter=",", skiprows=1)
    assert (folder / "x.csv").read_text().splitlines()[0] == "v1,v(out),i(v1)"
    np.testing.assert_allclose(table[:, 1], 0.75 * table[:, 0], atol=1e-12)


def test_csv_to_standard_output_is_alone_there(neurosim, folder, before):
    answer = neurosim("run", "divider.cir", "--analysis", "op", "--csv", "-", "--save", "v(out)")
    assert answer.out.splitlines()[0] == "v(out)"
    assert float(answer.out.splitlines()[1]) == pytest.approx(0.75, rel=1e-12)
    assert len(answer.out.splitlines()) == 2
    assert names(folder, before) == []


def test_parameters_and_temperature_are_used_and_kept(neurosim):
    neurosim("run", "divider.cir", "--analysis", "op", "--param", "LOAD=1k", "--temp", "50", "--out", "a.nc")
    kept = load("a.nc")
    assert kept["v(out)"] == pytest.approx(0.5, rel=1e-9)
    assert kept.attrs["temperature_celsius"] == 50.0
    assert kept.attrs["parameters"] == {"load": 1000.0}


def test_quiet_prints_nothing_and_writes_what_was_asked_for(neurosim, folder, before):
    answer = neurosim("run", "divider.cir", "--quiet")
    assert (answer.code, answer.out, answer.err) == (0, "", "")
    assert names(folder, before) == []
    answer = neurosim("run", "divider.cir", "-q", "--raw", "x.raw", "--ascii")
    assert (answer.out, answer.err) == ("", "")
    assert names(folder, before) == ["x.raw"]
    assert [result.analysis for result in load_all("x.raw")] == ["dc", "op"]
    assert (folder / "x.raw").read_text().startswith("Title: divider")


def test_json_is_one_strict_document(neurosim, folder, before):
    answer = neurosim("run", "divider.cir", "--json")
    document = json.loads(answer.out, parse_constant=lambda word: pytest.fail(word))
    assert [result["analysis"] for result in document["results"]] == ["dc", "op"]
    assert document["results"][0]["measures"] == {"top": 1.5, "never": None}
    assert document["results"][1]["columns"]["v(out)"]["final"] == pytest.approx(0.75)
    assert document["files"] == []
    assert names(folder, before) == []


def test_figure_can_be_chosen_or_left_out(neurosim, folder, before):
    neurosim("run", "divider.cir", "--analysis", "dc", "--plot", "none")
    assert names(folder, before) == ["divider.nc"]
    neurosim("run", "divider.cir", "--analysis", "dc", "--plot", "loop.svg", "--plot-kind", "pinched_loop",
             "--plot-name", "v(in)", "--plot-name", "-i(v1)")  # fmt: skip
    assert names(folder, before) == ["divider.nc", "loop.svg"]


def test_transient_and_ac(neurosim, folder, before):
    answer = neurosim("run", "filter.cir", "--out", "all.json", "--rtol", "1e-6", "--method", "bdf2")
    assert answer.code == 0
    assert names(folder, before) == ["all.json"]
    transient, small_signal = load_all("all.json")
    assert transient.attrs["method"] == "bdf2"
    w, tau = 2e3 * np.pi, 1e-4
    gain = 1 / (1 + 1j * w * tau)
    t = transient.time
    exact = np.imag(gain * np.exp(1j * w * t)) - gain.imag * np.exp(-t / tau)
    np.testing.assert_allclose(transient["v(out)"], exact, atol=1e-4)
    assert transient.measures["peak"] == pytest.approx(exact.max(), rel=1e-3)
    expected = 1 / (1 + 2j * np.pi * small_signal.axis * tau)
    np.testing.assert_allclose(small_signal["v(out)"], expected, rtol=1e-9)
    assert "bdf2, " in answer.out
    assert "AC analysis (magnitudes): frequency 10 Hz to 1 MHz" in answer.out


def test_failed_run_keeps_what_it_computed(neurosim, folder, before):
    answer = neurosim("run", "filter.cir", "--max-steps", "10", "--csv", "x.csv")
    assert answer.code == 1
    assert "simulation stopped at t = " in answer.err
    assert "what was computed until then: filter.partial.nc" in answer.err
    # The other analysis does not suffer.
    assert names(folder, before) == ["filter.partial.nc", "x.ac.csv"]
    assert "wrote x.ac.csv" in answer.out
    kept = load("filter.partial.nc")
    assert 1 < kept.time.size < 50
    answer = neurosim("run", "filter.cir", "--max-steps", "10", "--json")
    document = json.loads(answer.out)
    assert [result["analysis"] for result in document["results"]] == ["ac"]
    assert document["errors"][0].startswith("simulation stopped")
    assert document["files"] == ["filter.partial.nc"]


def test_measures_of_stepped_runs_are_a_table(neurosim, folder):
    text = (folder / "divider.cir").read_text().replace(".op\n", ".step param load list 1k 3k 9k\n")
    folder.joinpath("stepped.cir").write_text(text)
    answer = neurosim("run", "stepped.cir", "--plot", "none")
    rows = [line.split() for line in answer.out.splitlines()]
    assert ["load", "top", "never"] in rows
    assert ["3000", "1.5", "failed"] in rows
    assert ["9000", "1.8", "failed"] in rows
    np.testing.assert_allclose(load("stepped.nc").measures["top"], [1.0, 1.5, 1.8])


def test_measures_need_no_save_card(neurosim, folder):
    text = (folder / "divider.cir").read_text().replace(".op\n", ".save v(out)\n.meas dc drop max v(in,out)\n")
    folder.joinpath("saved.cir").write_text(text.replace("max v(out)", "max i(r1)"))
    neurosim("run", "saved.cir", "--plot", "none")
    measures = load("saved.nc").measures
    assert (measures["top"], measures["drop"]) == pytest.approx((0.5e-3, 0.5))


def test_convert_goes_by_suffix(neurosim, folder):
    folder.joinpath("a.csv").write_text("time,v(a)\n0,1\n1,2\n")
    assert "wrote b.raw" in neurosim("convert", "a.csv", "b.raw").out
    assert neurosim("convert", "b.raw", "c.nc").code == 0
    assert neurosim("convert", "c.nc", "d.csv").code == 0
    np.testing.assert_array_equal(load("d.csv")["v(a)"], [1, 2])
    neurosim("convert", "a.csv", "text.raw", "--ascii")
    assert (folder / "text.raw").read_text().startswith("Title:")
