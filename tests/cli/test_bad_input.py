"""Whatever is typed: exit code 2, one clear message on standard error, nothing on standard output, no traceback."""

import pytest

from neurosim.cli import main

CASES = {
    ("run", "missing.cir"): "'missing.cir' does not exist",
    ("run", "filtr.cir"): "did you mean 'filter.cir'",
    ("run", "."): "is a folder",
    ("check", "noise.bin"): "noise.bin",
    ("run", "noise.bin"): "noise.bin",
    ("run", "empty.cir"): "empty",
    ("check", "wrong.cir"): "wrong.cir:3:",
    ("run", "floating.cir"): "net 'a' floats",
    ("check", "floating.cir"): "floating.cir:4",
    ("run", "divider.cir", "--analysis", "tran"): "has no .tran card; it has dc, op",
    ("run", "divider.cir", "--analysis", "trann"): "did you mean 'tran'",
    ("run", "divider.cir", "--param", "load"): "expected NAME=VALUE",
    ("run", "divider.cir", "--param", "=3"): "expected NAME=VALUE",
    ("run", "divider.cir", "--param", "load=lots"): "'lots' is not a number",
    ("run", "divider.cir", "--param", "lod=1k"): "did you mean 'load'",
    ("run", "filter.cir", "--param", "load=1k"): "has no .param at all",
    ("run", "divider.cir", "--temp", "-300"): "above -273.15",
    ("run", "divider.cir", "--temp", "nan"): "above -273.15",
    ("run", "divider.cir", "--temp", "warm"): "Invalid value for '--temp'",
    ("run", "divider.cir", "--dialect", "qspice"): "unknown dialect 'qspice'",
    ("run", "divider.cir", "--analysis", "op", "--save", "v(outt)"): "v(out)",
    ("run", "divider.cir", "--save", ""): "expected an address",
    ("run", "filter.cir", "--analysis", "tran", "--method", "rodas6"): "did you mean 'rodas5p'",
    ("run", "filter.cir", "--analysis", "tran", "--rtol", "7"): "rtol = 7",
    ("run", "divider.cir", "--seed", "-1"): "Invalid value for '--seed'",
    ("run", "divider.cir", "--max-steps", "0"): "Invalid value for '--max-steps'",
    ("run", "divider.cir", "--nonsense"): "No such option: --nonsense",
    ("run",): "Missing argument 'FILE'",
    ("frobnicate",): "No such command 'frobnicate'",
    ("run", "divider.cir", "--out", "x.xyz"): "suffix '.xyz'",
    ("run", "divider.cir", "--out", "no/such/x.nc"): "does not exist; make it first",
    ("run", "divider.cir", "--csv", "no/such/x.csv"): "does not exist; make it first",
    ("run", "divider.cir", "--plot", "no/such/x.png"): "does not exist; make it first",
    ("run", "divider.cir", "--csv", "."): "it is a folder",
    ("run", "divider.cir", "--csv", "divider.cir"): "is the netlist itself",
    ("run", "divider.cir", "--csv", "a.csv", "--out", "./a.csv"): "two outputs",
    ("run", "divider.cir", "--ascii"): "give --raw",
    ("run", "divider.cir", "--json", "--csv", "-"): "both want standard output",
    ("run", "divider.cir", "--plot-kind", "pie"): "unknown plot 'pie'",
    ("convert", "missing.nc", "x.csv"): "cannot read 'missing.nc'",
    ("convert", "noise.bin", "x.csv"): "suffix '.bin'",
    ("convert", "broken.nc", "x.csv"): "broken.nc",
    ("convert", "divider.cir", "x.csv"): "suffix '.cir'",
    ("convert", "good.csv", "x.doc"): "suffix '.doc'",
    ("convert", "good.csv", "no/such/x.nc"): "does not exist; make it first",
    ("convert", "good.csv", "x.nc", "--ascii"): "--ascii is for SPICE raw files",
    ("convert", "good.csv", "x.nc", "--number", "4"): "holds 1 results",
    ("list", "devces"): "did you mean 'devices'",
    ("list", "devices", "resistr"): "unknown device 'resistr'",
    ("list", "gadgets", "resistor"): "there is no list of 'gadgets'",
    ("show", "missing.cir"): "does not exist",
}


@pytest.mark.parametrize("words", CASES, ids=" ".join)
def test_bad_input_is_refused_in_words(neurosim, folder, words):
    folder.joinpath("noise.bin").write_bytes(bytes(range(256)) * 20)
    folder.joinpath("broken.nc").write_bytes(b"CDF\x01 and then something else")
    folder.joinpath("empty.cir").write_text("")
    folder.joinpath("good.csv").write_text("time,v(a)\n0,1\n1,2\n")
    before = sorted(folder.iterdir())
    answer = neurosim(*words)
    assert answer.code == 2, answer
    assert answer.out == ""
    assert CASES[words] in answer.err
    assert "rror: " in answer.err
    assert sorted(folder.iterdir()) == before


def test_several_errors_are_shown_together(neurosim):
    answer = neurosim("check", "wrong.cir")
    assert "wrong.cir:3" in answer.err
    assert "2 errors" in answer.err


def test_interrupt_is_one_line(neurosim, monkeypatch):
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("neurosim.solve.simulate_circuit.run_analysis", interrupt)
    answer = neurosim("run", "divider.cir")
    assert (answer.code, answer.out, answer.err) == (130, "", "interrupted\n")


def test_bugs_are_one_line_with_a_hint(neurosim, monkeypatch):
    def fail(*_: object) -> None:
        raise RuntimeError("the sky\nfell")

    monkeypatch.setattr("neurosim.solve.simulate_circuit.run_analysis", fail)
    answer = neurosim("run", "divider.cir")
    assert (answer.code, answer.out) == (1, "")
    assert answer.err.count("\n") == 1
    assert "internal error: RuntimeError: the sky fell" in answer.err
    assert "--debug" in answer.err
    with pytest.raises(RuntimeError, match="the sky"):
        main(["run", "divider.cir", "--debug"])


def test_running_out_of_memory_or_disk_is_told(neurosim, monkeypatch):
    for error, code, text in (
        (MemoryError(), 1, "out of memory"), (OSError(28, "No space left on device", "x.nc"), 2, "No space left"),
    ):  # fmt: skip

        def fail(*_: object, error: BaseException = error) -> None:
            raise error

        monkeypatch.setattr("neurosim.solve.simulate_circuit.run_analysis", fail)
        answer = neurosim("run", "divider.cir")
        assert answer.code == code
        assert text in answer.err
