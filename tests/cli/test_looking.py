"""check, show, list, cache, --help, --version: what they print, and that they stay light."""

import os
import subprocess
import sys

import pytest

from neurosim.circuit.reader import read_netlist
from neurosim.cli.list_command import registries

HEAVY = ("numba", "matplotlib", "xarray", "pandas", "scipy.integrate")


def test_check_counts_and_finds_nothing_wrong(neurosim):
    answer = neurosim("check", "filter.cir")
    assert answer.code == 0
    assert answer.err == ""
    assert "3: " in answer.out
    assert "1 resistor" in answer.out
    assert "tran to 2 ms; ac 10 Hz to 1 MHz (26 points)" in answer.out
    assert answer.out.endswith("no errors, no warnings\n")


def test_check_shows_warnings_with_places(neurosim, folder):
    folder.joinpath("loose.cir").write_text("loose\nV1 in 0 1\nR1 in 0 1k\nR2 in far 1k\n.end\n")
    answer = neurosim("check", "loose.cir")
    assert answer.code == 0
    assert "loose.cir:4:1: warning: net 'far' is used once" in answer.err
    assert "1 warning\n" in answer.out


def test_show_lists_elements_with_units(neurosim):
    answer = neurosim("show", "divider.cir", "--param", "load=5k")
    assert answer.code == 0
    rows = [line.split(None, 4) for line in answer.out.splitlines()]
    assert ["r2", "resistor", "out", "0", "resistance = 5 kohm"] in [[c.strip() for c in row] for row in rows]
    assert ["load", "5000"] in rows


def test_show_expanded_is_a_netlist(neurosim):
    answer = neurosim("show", "filter.cir", "--expanded")
    again = read_netlist(answer.out)
    assert [i.name for i in again.instances] == ["v1", "r1", "c1"]
    assert len(again.analyses) == 2


def test_list_tells_and_draws_architectures(neurosim, tmp_path):
    told = neurosim("list", "architectures").out
    for name in registries()["architectures"].names():
        assert f"\n{name}: " in f"\n{told}"
    for label in ("equations", "analog", "digital", "check", "figure", "source"):
        assert told.count(f"\n{label}: ") >= len(registries()["architectures"].names())
    answer = neurosim("list", "lstm", "--plot", str(tmp_path / "lstm.png"))
    assert answer.code == 0
    assert (tmp_path / "lstm.png").read_bytes().startswith(b"\x89PNG")
    for words in (("resistor", "--plot", "r.png"), ("lstm", "--plot", "no/such/a.png"), ("lstm", "--plot", "a.txt")):
        assert neurosim("list", *words).code == 2


def test_list_shows_every_registered_thing(neurosim):
    answer = neurosim("list")
    for kind, registry in registries().items():
        assert kind in answer.out
        assert all(name in answer.out for name in registry.names())


@pytest.mark.parametrize("kind", registries())
def test_everything_registered_can_be_described(neurosim, kind):
    for name in registries()[kind].names():
        answer = neurosim("list", kind, name)
        assert answer.code == 0
        assert answer.out.startswith(f"{name}: ")
        assert neurosim("list", name).code == 0


def test_device_page_has_parameters_form_and_source(neurosim):
    out = neurosim("list", "vteam").out
    for text in ("netlist: ", "model:   .model <name> ", "r_off", "1 kohm", "doi 10.", "w' = k_off"):
        assert text in out


def test_cache_shows_and_clears(neurosim, monkeypatch, folder):
    monkeypatch.setenv("NEUROSIM_CACHE_DIR", str(folder / "cache"))
    compiled = folder / "cache" / "k-123"
    compiled.mkdir(parents=True)
    compiled.joinpath("code.nbc").write_bytes(bytes(2000))
    assert neurosim("cache").out == f"{folder / 'cache'}: 2 kB\n"
    assert neurosim("cache", "--clear").out == f"freed 2 kB in {folder / 'cache'}\n"
    assert not compiled.exists()


def test_no_plugins_leaves_entry_points_out(neurosim):
    from neurosim import registry

    neurosim("list", "formats", "--no-plugins")
    assert registry.plugins_enabled is False


def test_light_commands_load_nothing_heavy(folder):
    commands = ["--version", "--help", "run --help", "check filter.cir", "list"]
    code = (
        "import sys; from neurosim.cli import main\n"
        "for line in sys.argv[1:]:\n"
        "    code = main(line.split())\n"
        f"    print(line, code, [m for m in {HEAVY} if m in sys.modules], file=sys.stderr)"
    )
    paths = os.pathsep.join(path for path in sys.path if path)
    done = subprocess.run(
        [sys.executable, "-c", code, *commands], capture_output=True, text=True, env={**os.environ, "PYTHONPATH": paths}
    )
    assert done.stderr.splitlines() == [f"{line} 0 []" for line in commands]


def test_module_runs_as_a_program(folder):
    paths = os.pathsep.join(path for path in sys.path if path)
    done = subprocess.run(
        [sys.executable, "-m", "neurosim", "check", "wrong.cir"], capture_output=True, text=True,
        env={**os.environ, "PYTHONPATH": paths},
    )  # fmt: skip
    assert done.returncode == 2
    assert done.stdout == ""
    assert "wrong.cir:3" in done.stderr
