"""Cards of nets, a model and ``key=value``: what is kept from one card does not change what the next one says."""

import pytest

from neurosim.circuit.reader import read_netlist
from neurosim.errors import NetlistError

MODEL = ".model mem linear_drift ron={ron} roff=16k d=10n uv=1e-11"


def test_a_model_gives_each_card_its_own_values() -> None:
    cards = "YMEMRISTOR a 1 0 mem x0=0.25\nYMEMRISTOR b 1 0 mem ron=7\nYMEMRISTOR c 1 0 mem\n"
    text = f"title\n.param ron=100\n{MODEL}\n{cards}"
    a, b, c = (part.values for part in read_netlist(text).instances)
    assert (a["x0"], a["r_on"], b["r_on"], c["r_on"]) == (0.25, 100.0, 7.0, 100.0)
    assert "x0" not in b
    assert "x0" not in c


def test_a_level_counts_after_the_model_was_read() -> None:
    text = f"title\n.param ron=100\n{MODEL}\nYMEMRISTOR a 1 0 mem\nYMEMRISTOR b 1 0 mem level=99\n"
    with pytest.raises(NetlistError, match="level 99 is not supported"):
        read_netlist(text)


@pytest.mark.parametrize("model", ["inside", "outside"])
def test_a_model_in_a_subcircuit_follows_the_parameters_of_each_call(model: str) -> None:
    card = "YMEMRISTOR m p n mem"
    body = f"{MODEL}\n{card}" if model == "inside" else f"{MODEL}\n.subckt inner p n\n{card}\n.ends\nx1 p n inner"
    text = f"title\n.subckt cell p n ron=100\n{body}\n.ends\nx1 1 0 cell ron=5\nx2 1 0 cell ron=6\nx3 1 0 cell\n"
    assert [part.values["r_on"] for part in read_netlist(text).instances] == [5.0, 6.0, 100.0]
