"""The compiled-code cache and the call of laws at addresses."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from neurosim.kernels import abi
from neurosim.kernels.builder import GROUND, BatchSpec, Unknown, build_system

HELPER = """
from neurosim.kernels.abi import helper

@helper
def gain(x):
    return {factor} * x
"""

LAW = """
import numpy as np
from numba import types

from laws_helper import gain
from neurosim.kernels import abi
from neurosim.kernels.abi import driver, kernel
from neurosim.kernels.builder import GROUND, BatchSpec, Unknown, build_system

@kernel
def law(context, u, p, memory, table, code, F, D):
    for e in range(u.shape[1]):
        F[0, e] = gain(u[0, e])
        D[0, 0, e] = gain(1.0)

index = np.array([[[0, GROUND]]])
batch = BatchSpec("law", index, index, np.empty((1, 0)), {}, law, 1, 1)
system = build_system([Unknown("x")], [batch])
print(system.right_hand_side(0.0, np.array([1.0]))[0], abi.compilations())
"""


def run_laws(folder: Path, factor: float) -> tuple[float, int]:
    """Value of the law in a new process, and how many functions it compiled."""
    (folder / "laws_helper.py").write_text(HELPER.format(factor=factor))
    (folder / "laws.py").write_text(LAW)
    environment = {**os.environ, "NEUROSIM_CACHE_DIR": str(folder / "cache"), "PYTHONPATH": str(folder)}
    environment["PYTHONDONTWRITEBYTECODE"] = "1"
    done = subprocess.run(
        [sys.executable, "laws.py"], cwd=folder, env=environment, capture_output=True, text=True, check=True
    )
    value, count = done.stdout.split()
    return float(value), int(count)


def test_an_edited_helper_in_another_file_changes_the_next_process(tmp_path: Path) -> None:
    assert run_laws(tmp_path, 2.0)[0] == 2.0
    value, compiled = run_laws(tmp_path, 2.0)
    assert (value, compiled) == (2.0, 0)
    value, compiled = run_laws(tmp_path, 3.0)
    assert value == 3.0
    # Only the law reaches the helper; the system's own loops come from the cache.
    assert compiled == 1


def test_fingerprint_sees_the_fields_of_a_tuple_behind_a_signature(monkeypatch: pytest.MonkeyPatch) -> None:
    from neurosim.kernels import system
    from neurosim.kernels.time_loop import advance

    before = abi.fingerprint(advance)
    assert abi.fingerprint(advance) == before
    monkeypatch.setattr(system.SystemArrays, "_fields", (*system.SystemArrays._fields, "another"))
    assert abi.fingerprint(advance) != before


def test_fingerprint_is_the_same_in_every_process() -> None:
    imports = "from neurosim.kernels.abi import fingerprint; from neurosim.kernels.time_loop import advance"
    code = f"{imports}; print(fingerprint(advance))"
    found = {
        subprocess.run(
            [sys.executable, "-c", code], env={**os.environ, "PYTHONHASHSEED": seed}, capture_output=True, text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }  # fmt: skip
    assert len(found) == 1


def test_unwritable_cache_warns_and_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("")
    monkeypatch.setenv("NEUROSIM_CACHE_DIR", str(blocked))

    @abi.kernel
    def law(context, u, p, memory, table, code, F, D):
        for e in range(u.shape[1]):
            F[0, e] = 1.0

    with pytest.warns(UserWarning, match="NEUROSIM_CACHE_DIR"):
        assert law.address > 0


def test_clear_cache_removes_compiled_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEUROSIM_CACHE_DIR", str(tmp_path))
    (tmp_path / "k-abc").mkdir()
    (tmp_path / "k-abc" / "x.nbc").write_bytes(b"1234")
    (tmp_path / "keep.txt").write_text("not ours")
    assert abi.clear_cache() == 4
    assert sorted(path.name for path in tmp_path.iterdir()) == ["keep.txt"]


def test_python_law_hands_its_exception_on() -> None:
    def fail(context, u, p, memory, table, code, F, D):
        raise ZeroDivisionError("mine")

    law = abi.PythonLaw(fail)
    index = np.array([[[0, GROUND]]])
    system = build_system([Unknown("x")], [BatchSpec("f", index, index, np.empty((1, 0)), {}, law, 1, 1)])
    assert np.isnan(system.right_hand_side(0.0, np.zeros(1))).all()
    assert isinstance(law.failure, ZeroDivisionError)


@pytest.mark.parametrize("count", [1, 127, 128, 129, 300])
def test_blocks_cover_every_instance_once(count: int) -> None:
    def square(context, u, p, memory, table, code, F, D):
        F[0] = p[0] * u[0] ** 2
        D[0, 0] = 2 * p[0] * u[0]

    index = np.stack([np.arange(count), np.full(count, GROUND)], 1)[:, None, :]
    weight = np.arange(1.0, count + 1)[:, None]
    law = abi.PythonLaw(square)
    system = build_system(
        [Unknown(f"x{i}") for i in range(count)], [BatchSpec("square", index, index, weight, {}, law, 1, 1)]
    )
    y = np.linspace(-1, 2, count)
    np.testing.assert_allclose(system.right_hand_side(0.0, y), weight[:, 0] * y**2)
    np.testing.assert_allclose(system.jacobian(0.0, y).toarray(), np.diag(2 * weight[:, 0] * y))
