"""The compiled-code cache and the call of laws at addresses."""

from __future__ import annotations

import copy
import os
import pickle
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest

import neurosim
from neurosim.kernels import abi, native
from neurosim.kernels.builder import GROUND, BatchSpec, Unknown, build_system
from neurosim.kernels.native import by_address

HELPER = """
import numpy as np

from neurosim.kernels.abi import helper

@helper
def gain(x):
    return {gain}
"""

LAW = """
import sys

import numpy as np
from laws_helper import gain
from neurosim.kernels import abi
from neurosim.kernels.abi import driver, kernel, unit

@kernel
def law(context, u, p, memory, table, code, F, D):
    for e in range(u.shape[1]):
        F[0, e] = gain(u[0, e])

def signature():
    from numba import types
    real, whole = types.Array(types.f8, 1, "C"), types.Array(types.i8, 1, "C")
    return types.void(types.i8, whole, real, real, whole)

@unit(signature)
def forward(address, dims, u, F, code):
    abi_call(address, u, dims, u, u, u, u, code, F, u)

@driver(signature)
def apply(address, dims, u, F, code):
    forward(address, dims, u, F, code)

abi_call = abi.call_kernel
F, none = np.zeros(1), np.zeros(0, np.int64)
apply(law.address, np.array([1, 0, 0, 0, 0, 1, 1]), np.ones(abi.CONTEXT_SIZE), F, none)
print(F[0], abi.compilations(), "numba" in sys.modules)
"""


def run_laws(folder: Path, factor: float, gain: str = "{factor} * x") -> tuple[float, int, bool]:
    """Value of the law in a new process, how many functions it compiled, and whether it loaded Numba."""
    (folder / "laws_helper.py").write_text(HELPER.format(gain=gain.format(factor=factor)))
    (folder / "laws.py").write_text(LAW)
    path = os.pathsep.join([str(folder), str(Path(neurosim.__file__).parents[1])])
    environment = {**os.environ, "NEUROSIM_CACHE_DIR": str(folder / "cache"), "PYTHONPATH": path}
    environment["PYTHONDONTWRITEBYTECODE"] = "1"
    done = subprocess.run(
        [sys.executable, "laws.py"], cwd=folder, env=environment, capture_output=True, text=True, check=True
    )
    value, count, numba = done.stdout.split()
    return float(value), int(count), numba == "True"


@pytest.fixture(scope="module")
def compiled_laws(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Cache of a first process: compiling takes most of the time of these tests."""
    folder = tmp_path_factory.mktemp("laws")
    value, compiled, loads_numba = run_laws(folder, 2.0)
    assert value == 2.0
    assert compiled > 1
    assert loads_numba
    return folder / "cache"


@pytest.fixture
def laws(compiled_laws: Path, tmp_path: Path) -> Path:
    """Folder with a copy of that cache."""
    shutil.copytree(compiled_laws, tmp_path / "cache")
    return tmp_path


def test_a_second_process_loads_no_compiler_and_an_edited_helper_is_seen(laws: Path) -> None:
    assert run_laws(laws, 2.0) == (2.0, 0, False)
    value, compiled, _ = run_laws(laws, 3.0)
    assert value == 3.0
    # Only the law reaches the helper; what calls it comes from the cache.
    assert compiled == 1


def test_damaged_and_foreign_files_are_compiled_again(laws: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # the smallest are compiled soonest
    files = sorted((laws / "cache").iterdir(), key=lambda path: path.stat().st_size)
    # Cut off, changed in one place, empty, written by others, and another function under this name.
    content = files[0].read_bytes()
    files[0].write_bytes(content[: len(content) // 2])
    changed = bytearray(files[1].read_bytes())
    changed[-10] ^= 1
    files[1].write_bytes(changed)
    assert len(files) >= 3
    files[2].chmod(0o666)
    assert run_laws(laws, 2.0)[:2] == (2.0, 3)
    assert run_laws(laws, 2.0) == (2.0, 0, False)
    monkeypatch.setenv("NEUROSIM_CACHE_DIR", str(laws / "cache"))
    keys = [path.name.removeprefix("k-") for path in files[:2]]
    assert all(native.read(key) for key in keys)
    files[0].write_bytes(files[1].read_bytes())
    files[1].write_bytes(b"")
    assert [native.read(key) for key in keys] == [None, None]


def test_compiled_code_is_for_its_owner_only(compiled_laws: Path) -> None:
    for path in (compiled_laws, *compiled_laws.iterdir()):
        assert path.stat().st_mode & 0o077 == 0


def test_a_law_that_allocates_works_from_the_cache(laws: Path) -> None:
    law = "np.full(3, {factor} * x).sum()"
    assert run_laws(laws, 2.0, law)[0] == 6.0
    assert run_laws(laws, 2.0, law) == (6.0, 0, True)


def _copy_signature() -> Any:
    from numba import types

    real = types.Array(types.f8, 1, "C")
    return types.Tuple((types.i8, types.f8))(pair_type(), real, types.f8, types.i8)


def pair_type() -> Any:
    from numba import types

    from neurosim.kernels.tuple_pointer import tuple_pointer

    return tuple_pointer([types.Array(types.f8, 2, "C"), types.Array(types.u4, 1, "C")], Pair)


@by_address
class Pair(NamedTuple):
    """A table and whole numbers."""

    table: np.ndarray
    whole: np.ndarray


@abi.driver(_copy_signature)
def copy_row(pair, out, factor, row):
    out[:] = pair.table[row]
    for i in range(out.size):
        out[i] *= factor
    return pair.whole[row], factor + 1.0


def a_pair() -> Pair:
    return Pair(np.arange(6.0).reshape(2, 3), np.array([7, 2**32 - 1], np.uint32))


def test_driver_takes_numbers_arrays_and_tuples() -> None:
    pair, out = a_pair(), np.zeros(3)
    assert copy_row(pair, out, 2.0, 1) == (2**32 - 1, 3.0)
    assert out.tolist() == [6.0, 8.0, 10.0]
    # The block of a tuple holds addresses: what is written to the arrays later is seen.
    pair.table[1] = 1.0
    copy_row(pair, out, np.float64(2.0), np.int32(1))
    assert out.tolist() == [2.0, 2.0, 2.0]


@pytest.mark.parametrize("change", [copy.deepcopy, copy.copy, lambda p: pickle.loads(pickle.dumps(p)), Pair._replace])
def test_copies_of_a_tuple_have_their_own_block(change: Callable[[Pair], Pair]) -> None:
    pair, out = a_pair(), np.zeros(3)
    copy_row(pair, out, 1.0, 0)
    other = change(pair)._replace(table=np.full((2, 3), 5.0)) if change is Pair._replace else change(pair)
    expected = other.table[0].tolist()
    pair.table[:] = 9.0
    if other.table is pair.table:
        expected = [9.0, 9.0, 9.0]
    copy_row(other, out, 1.0, 0)
    assert out.tolist() == expected


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((a_pair(), np.zeros(3, np.float32), 1.0, 0), "argument 'out' must be .*float64 .*float32"),
        ((a_pair(), np.zeros((1, 3)), 1.0, 0), "argument 'out' .*2 dimension"),
        ((a_pair(), np.zeros(6)[::2], 1.0, 0), "argument 'out' .*contiguous"),
        ((a_pair(), np.broadcast_to(0.0, 3), 1.0, 0), "argument 'out' .*writable"),
        ((a_pair(), [0.0, 0.0, 0.0], 1.0, 0), "argument 'out' .*list"),
        ((a_pair(), np.frombuffer(bytearray(25), np.uint8)[1:].view("f8"), 1.0, 0), "argument 'out' .*aligned"),
        ((a_pair(), np.zeros(3), "1", 0), "argument 'factor' must be a number"),
        ((a_pair(), np.zeros(3), 1.0, 0.5), "argument 'row' must be an integer"),
        ((a_pair(), np.zeros(3), 1.0, 2**63), "argument 'row' must be an integer"),
        ((a_pair().table, np.zeros(3), 1.0, 0), "argument 'pair' .*ndarray"),
        ((a_pair()._replace(whole=np.zeros(2)), np.zeros(3), 1.0, 0), "argument 'pair' .*field 'whole' .*uint32"),
        ((a_pair(), np.zeros(3), 1.0), "takes 4 arguments, 3 given"),
    ],
)
def test_wrong_arguments_are_refused_by_name(arguments: tuple[Any, ...], message: str) -> None:
    with pytest.raises(TypeError, match=message):
        copy_row(*arguments)


def _halves_signature() -> Any:
    from numba import types

    return types.f8(types.f8)


@abi.unit(_halves_signature)
def half(x):
    return 0.5 * x


@abi.unit(_halves_signature)
def cannot_be_compiled(x):
    return x.half


@abi.driver(_halves_signature)
def half_of_a_positive_number(x):
    return half(x) if x > 0.0 else cannot_be_compiled(x)


def test_a_unit_is_compiled_when_it_is_called(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEUROSIM_CACHE_DIR", str(tmp_path))
    compiled: list[str] = []
    monkeypatch.setattr(abi, "_listeners", [compiled.append])
    assert half_of_a_positive_number.address
    assert compiled == ["half_of_a_positive_number"]
    assert half_of_a_positive_number(3.0) == 1.5
    assert half_of_a_positive_number(5.0) == 2.5
    assert compiled == ["half_of_a_positive_number", "half"]
    for _ in range(2):
        with pytest.raises(Exception, match="Unknown attribute 'half'"):
            half_of_a_positive_number(-3.0)
    assert half_of_a_positive_number(7.0) == 3.5


def test_what_another_process_compiles_is_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fcntl = pytest.importorskip("fcntl")
    assert copy_row.address
    code = native.read(copy_row.key)
    assert code is not None
    monkeypatch.setenv("NEUROSIM_CACHE_DIR", str(tmp_path))
    again, before = abi.driver(_copy_signature)(copy_row.function), abi.compilations()
    with open(tmp_path / f"k-{again.key}.lock", "w") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        waiting = threading.Thread(target=lambda: again.address)
        waiting.start()
        waiting.join(0.1)
        assert waiting.is_alive()
        native.write(again.key, code)
    waiting.join(60.0)
    assert again(a_pair(), np.zeros(3), 1.0, 0) == (7, 2.0)
    assert abi.compilations() == before
    assert [path.name for path in tmp_path.iterdir()] == [f"k-{again.key}"]


def test_an_exception_in_compiled_code_is_raised() -> None:
    with pytest.raises(RuntimeError, match=r"copy_row\(\)"):
        copy_row(a_pair(), np.zeros(4), 1.0, 0)


def test_a_law_that_raises_gives_nan() -> None:
    @abi.kernel
    def law(context, u, p, memory, table, code, F, D):
        for e in range(u.shape[1]):
            F[0, e] = 1.0
            if u[0, e] > 2.0:
                raise ValueError

    index = np.array([[[0, GROUND]]])
    system = build_system([Unknown("x")], [BatchSpec("f", index, index, np.empty((1, 0)), {}, law, 1, 1)])
    assert system.right_hand_side(0.0, np.array([1.0]))[0] == 1.0
    assert np.isnan(system.right_hand_side(0.0, np.array([3.0]))[0])


def test_fingerprint_sees_the_fields_of_a_tuple_behind_a_signature(monkeypatch: pytest.MonkeyPatch) -> None:
    from neurosim.kernels import system
    from neurosim.kernels.time_loop import advance

    before = abi.fingerprint(advance)
    assert abi.fingerprint(advance) == before
    monkeypatch.setattr(system.SystemArrays, "_fields", (*system.SystemArrays._fields, "another"))
    assert abi.fingerprint(advance) != before


def test_fingerprint_is_the_same_in_every_process() -> None:
    from neurosim.kernels.time_loop import advance

    imports = "from neurosim.kernels.abi import fingerprint; from neurosim.kernels.time_loop import advance"
    environment = {**os.environ, "PYTHONHASHSEED": "2" if os.environ.get("PYTHONHASHSEED") == "1" else "1"}
    done = subprocess.run(
        [sys.executable, "-c", f"{imports}; print(fingerprint(advance))"], env=environment, capture_output=True,
        text=True, check=True,
    )  # fmt: skip
    assert done.stdout.strip() == abi.fingerprint(advance)


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
    assert native.clear_cache() == 4
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
