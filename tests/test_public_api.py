"""``import neurosim`` offers every public name and loads nothing until it is used."""

import os
import subprocess
import sys

import pytest

import neurosim


def test_every_public_name_exists():
    for name in neurosim.__all__:
        value = getattr(neurosim, name)
        assert value is not None, name
        assert name in dir(neurosim)
        assert getattr(neurosim, name) is value, name


def test_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'simulat'"):
        _ = neurosim.simulat  # pyright: ignore[reportAttributeAccessIssue]


def test_import_is_light():
    code = (
        "import sys; import neurosim; "
        "print([m for m in ('numpy', 'scipy', 'numba', 'matplotlib', 'xarray', 'networkx') if m in sys.modules])"
    )
    paths = os.pathsep.join(path for path in sys.path if path)
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env={**os.environ, "PYTHONPATH": paths}
    )
    assert done.stdout.strip() == "[]", done.stderr


def test_reading_and_results_need_no_compiler():
    code = (
        "import sys; import neurosim as ns; c = ns.read_netlist('t\\nV1 a 0 1\\nR1 a 0 1\\n.end'); ns.Result; ns.save; "
        "ns.waveforms; print([m for m in ('numba', 'matplotlib', 'xarray') if m in sys.modules])"
    )
    paths = os.pathsep.join(path for path in sys.path if path)
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env={**os.environ, "PYTHONPATH": paths}
    )
    assert done.stdout.strip() == "[]", done.stderr


def test_digital_is_a_function_whatever_was_imported_before():
    code = "import neurosim as ns, neurosim.digital.rule; print(ns.digital(ns.architectures.elman()).dt)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert float(done.stdout) > 0.0
