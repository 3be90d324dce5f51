"""Named random streams: the same everywhere, independent of each other."""

import os
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from neurosim.errors import ParameterError
from neurosim.randomness import stream

PATHS = st.lists(st.text(max_size=5) | st.integers(0, 9), max_size=3).map(tuple)


@given(st.integers(0, 2**70), PATHS, PATHS)
def test_equal_paths_give_equal_bits_and_others_do_not(seed, first, second):
    one, other = stream(seed, *first).integers(2**63, size=2), stream(seed, *second).integers(2**63, size=2)
    assert np.array_equal(one, other) == (first == second)


def test_bits_are_fixed_across_processes():
    code = "from neurosim.randomness import stream; print(stream(42, 'noise', 'v1', 3).integers(2**63))"
    runs = {
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment).stdout
        for environment in ({**os.environ, "PYTHONHASHSEED": "1"}, {**os.environ, "PYTHONHASHSEED": "2"})
    }
    assert runs == {f"{stream(42, 'noise', 'v1', 3).integers(2**63)}\n"}


def test_the_stream_of_a_name_is_pinned():
    assert stream(42, "noise", "v1").integers(2**63) == 5578898219194700656


def test_numbers_and_text_and_seeds_differ():
    seen = {int(stream(*path).integers(2**63)) for path in ((1,), (2,), (1, "1"), (1, 1), (1, "1", "1"), (1, "11"))}
    assert len(seen) == 6


@pytest.mark.parametrize("seed", [-1, 1.5, True, "1", None])
def test_bad_seed_is_refused(seed):
    with pytest.raises(ParameterError, match="seed is"):
        stream(seed)


def test_bad_name_is_refused():
    with pytest.raises(ParameterError, match=r"stream name 1\.5"):
        stream(1, 1.5)
