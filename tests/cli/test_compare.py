"""``neurosim compare`` as a user meets it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import neurosim as ns
from neurosim.cli import main


def test_report_of_an_architecture(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    folder = tmp_path / "report"
    assert main(["compare", "elman", "--rule", "exponential_euler", "--duration", "5", "--out", str(folder)]) == 0
    assert "Observed order" in capsys.readouterr().out
    assert sorted(p.name for p in folder.iterdir()) == ["report.json", "report.md", "report.png"]
    assert json.loads((folder / "report.json").read_text())["rule"] == "exponential_euler"
    assert (folder / "report.png").read_bytes().startswith(b"\x89PNG")


def test_a_saved_graph_gives_the_same_numbers(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    ns.save(ns.architectures.elman(inputs=2, hidden=8, outputs=1), tmp_path / "net.json")
    texts = []
    for network in ("elman", str(tmp_path / "net.json")):
        assert main(["compare", network, "--duration", "4"]) == 0
        lines = capsys.readouterr().out.splitlines()
        # the last column of the table of steps is a time
        texts.append([line.rsplit("|", 2)[0] for line in lines if "CPU" not in line])
    assert texts[0] == texts[1]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["elmn"], ["elman"]),
        (["elman", "--rule", "eular"], ["eular"]),
        (["elman", "--set", "hiden=3"], ["hiden", "hidden"]),
        (["elman", "--set", "hidden"], ["name=value"]),
        (["elman", "--dt", "-1"], ["dt"]),
        (["nothing.json"], ["nothing.json"]),
        (["elman", "--out", "no/such/folder"], ["no/such"]),
    ],
)
def test_bad_input_is_told_in_a_line(
    arguments: list[str], words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
):  # fmt: skip
    monkeypatch.chdir(tmp_path)
    assert main(["compare", *arguments]) == 2
    told = capsys.readouterr().err
    assert "Traceback" not in told
    for word in words:
        assert word in told
    assert list(tmp_path.iterdir()) == []
