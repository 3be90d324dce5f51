"""Cards filled in from a form are what they would be if each were read in full."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neurosim.circuit import elaborate, forms
from neurosim.circuit.model import Circuit
from neurosim.circuit.reader import read_netlist
from neurosim.errors import NetlistError

NETS = ["a", "b", "c", "0", "gnd", "n1.x", "5", "dc", "off", "{k}", "=", "("]
NUMBERS = ["1", "2k", "0.3", "-1", "0", "1e-9", "10M", "4k7", "{k}", "k", "'2*k'", "zz", "1.5", ".2", "3x"]
CARDS = [
    "R{i} {a} {b} {x}",
    "r{i} {a} {b} {x} tc={y}",
    "R{i} {a} {b} r={x}",
    "C{i} {a} {b} {x} ic={y}",
    "L{i} {a},{b} {x}",
    "V{i} {a} {b} {x}",
    "V{i} {a} {b} dc {x} ac {y}",
    "I{i} {a} {b} sin({x} {y} 1k)",
    "D{i} {a} {b} dm {x}",
    "D{i} {a} {b} dm area={x}",
    "YMEMRISTOR m{i} {a} {b} mm x0={x}",
    "YMEMRISTOR m{i} {a} {b} mm",
    "YRESISTOR q{i} {a} {b} resistance={x}",
    "G{i} {a} {b} {b} 0 {x}",
    "S{i} {a} {b} {b} 0 sm",
    "B{i} {a} {b} I=v({a})*{x}",
    "X{i} {a} {b} sub",
    "X{i} {a} {b} sub w={x}",
    "X{i} {a} {b} sub params: w={x} z={y}",
    "X{i} {a} {b} deep z={y}",
]
HEAD = """forms
.param k=3
.model dm d is=1e-14
.model mm linear_drift ron=100
.model sm sw vt=1
.subckt sub p n w=1 z=0.5
Rs p n {w}
Ym m p n mm x0={z}
YMEMRISTOR m p q mm x0={z}
Rq q n 1
.ends
.subckt deep p n z=0.1
X1 p m sub w=2 z={z}
X2 m n sub w=2 z={z}
X3 m n sub w=3 z=0.2
.ends
""".replace("Ym m p n mm x0={z}\n", "")

# Few forms, so that most cards have one.
decks = st.lists(st.sampled_from(CARDS), min_size=1, max_size=3, unique=True).flatmap(
    lambda chosen: st.lists(
        st.tuples(
            st.sampled_from(chosen), st.sampled_from(NETS), st.sampled_from(NETS), st.sampled_from(NUMBERS),
            st.sampled_from(NUMBERS),
        ),
        min_size=5, max_size=10,
    )
)  # fmt: skip


def text_of(cards: list[tuple[str, str, str, str, str]]) -> str:
    lines = []
    for i, (form, a, b, x, y) in enumerate(cards):
        names = {"{i}": str(i), "{a}": a, "{b}": b, "{x}": x, "{y}": y}
        for old, new in names.items():
            form = form.replace(old, new)
        lines.append(form)
    return HEAD + "\n".join(lines) + "\n.end\n"


def outcome(text: str) -> object:
    try:
        circuit: Circuit = read_netlist(text)
    except NetlistError as error:
        return str(error)
    return repr((circuit.instances, circuit.notes)), [
        [str(reference) for expression in instance.expressions.values() for reference in expression.references]
        for instance in circuit.instances
    ]


@settings(max_examples=150, deadline=None)
@given(decks)
def test_forms_change_nothing(cards: list[tuple[str, str, str, str, str]]) -> None:
    text = text_of(cards)
    with_forms = outcome(text)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(forms, "LARGEST_TABLE", 0)
        assert outcome(text) == with_forms


@pytest.mark.parametrize(
    "form",
    ["R{i} a 0 {x}", "C{i} a 0 {x} ic=1", "YMEMRISTOR m{i} a 0 mm x0=0.{x}", "V{i} a{i} 0 {x}", "L{i} a 0 {x}"],
)
def test_ordinary_cards_are_filled_in(form: str, monkeypatch: pytest.MonkeyPatch) -> None:
    reads = []
    original = elaborate.Elaboration.read_card
    monkeypatch.setattr(
        elaborate.Elaboration, "read_card", lambda self, *args: reads.append(1) or original(self, *args)
    )
    cards = [form.replace("{i}", str(i)).replace("{x}", str(i + 1)) for i in range(20)]
    circuit = read_netlist(HEAD + "\n".join(cards) + "\n.end\n")
    assert len(circuit.instances) == 20
    assert len(reads) == 5


def test_a_parameter_that_is_handed_through_keeps_its_bounds() -> None:
    calls = "\n".join(f"X{i} a 0 sub z={z}" for i, z in enumerate((0.1, 0.2, 0.9)))
    circuit = read_netlist(f"{HEAD}{calls}\n.end\n")
    assert [i.values["x0"] for i in circuit.instances if "x0" in i.values] == [0.1, 0.2, 0.9]
    with pytest.raises(NetlistError, match=r"x0 = 1.2  is outside \[0, 1\]") as caught:
        read_netlist(f"{HEAD}{calls}\nX9 a 0 sub z=1.2\n.end\n")
    assert caught.value.location is not None
    assert caught.value.location.instance == "x9"
