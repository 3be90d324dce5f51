"""The command line in this process, in an empty folder with a few netlists."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from neurosim import registry
from neurosim.cli import main

NETLISTS = {
    "divider.cir": """divider
.param load=3k
V1 in 0 DC 1 AC 1
R1 in out 1k
R2 out 0 {load}
.op
.dc v1 0 2 0.5
.meas dc top max v(out)
.meas dc never when v(out)=25
.end
""",
    "filter.cir": """low pass
V1 in 0 SIN(0 1 1k) AC 1
R1 in out 1k
C1 out 0 0.1u
.tran 10u 2m
.ac dec 5 10 1meg
.meas tran peak max v(out)
.end
""",
    "wrong.cir": "wrong\nV1 in 0 1\nR1 in out 1k nonsense=2\nQ9 a b\n.meas tran x maxx v(out)\n.end\n",
    "floating.cir": "floating\nV1 in 0 1\nR1 in 0 1k\nR2 a b 1k\n.op\n.end\n",
}


@dataclass
class Answer:
    """What a command gave."""

    code: int
    out: str
    err: str


Command = Callable[..., Answer]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder."""
    for name, text in NETLISTS.items():
        tmp_path.joinpath(name).write_text(text)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setattr(registry, "plugins_enabled", True)
    return tmp_path


@pytest.fixture
def neurosim(folder: Path, capsys: pytest.CaptureFixture[str]) -> Command:
    """``neurosim("run", "x.cir")`` runs a command."""

    def command(*words: str) -> Answer:
        capsys.readouterr()
        code = main(words)
        captured = capsys.readouterr()
        assert "Traceback" not in captured.out + captured.err
        return Answer(code, captured.out, captured.err)

    return command
