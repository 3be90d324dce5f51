"""Whatever the text, only NetlistError comes out, soon and without much memory."""

import time
import tracemalloc

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from netlist_texts import CARDS, DIALECTS, GOOD, WORDS, check, outcome_of, text_of

from neurosim.circuit.model import Circuit
from neurosim.devices import devices

BUNDLE = 4
"""Texts in an example that is made of bytes: each example costs Hypothesis as much as reading a text."""


def texts_of(data):
    """Texts of the parts of some bytes."""
    return [text_of(data[k::BUNDLE]) for k in range(BUNDLE)]


LINES = st.lists(st.sampled_from(GOOD), max_size=6).map("\n".join)
STREAMS = st.lists(st.sampled_from([*CARDS, *WORDS, "\n"]), max_size=12).map(" ".join)
SHARES = {
    **{
        f"choices, {dialect}": (1_000 * BUNDLE, dialect, st.binary(min_size=20, max_size=60 * BUNDLE).map(texts_of))
        for dialect in DIALECTS
    },
    "cards": (1_000, None, LINES.map("t\n{}".format)),
    "words": (1_000, None, STREAMS.map("t\n{}".format)),
    "characters": (1_000, None, st.text().map("t\n{}".format)),
    "bytes": (1_000, None, st.binary()),
}
"""How many texts, which dialect, and how they are drawn: 20,000 in all. What bytes choose is by far the cheapest."""


def test_there_are_twenty_thousand_texts():
    assert sum(count for count, _, _ in SHARES.values()) == 20_000


@pytest.mark.parametrize("name", SHARES)
def test_only_netlist_errors_come_out(name):
    list(devices)
    count, dialect, strategy = SHARES[name]
    accepted = drawn = 0

    is_bundle = name.startswith("choices")
    examples = count // BUNDLE if is_bundle else count

    @settings(max_examples=examples, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(text=strategy)
    def read(text):
        nonlocal accepted, drawn
        for one in text if is_bundle else [text]:
            drawn += 1
            accepted += check(one, dialect)

    read()
    # A fuzzer whose texts are all refused at the first card tests nothing else.
    assert not is_bundle or accepted > drawn / 6


SIZE = 65536
HARD = {
    "open parentheses": "R1 a 0 {" + "(" * SIZE + "}",
    "braces": "R1 a 0 " + "{" * SIZE,
    "nested braces": "R1 a 0 " + "{" * (SIZE // 2) + "1" + "}" * (SIZE // 2),
    "one long line": "R1 " + "a" * SIZE,
    "one long title": "R1 " + "a b " * (SIZE // 4) + "!",
    "many words": "V1 a 0 PWL(" + "1 " * (SIZE // 2) + ")",
    "continuations": "V1 a 0 PWL(0 0\n" + "+ 1 1\n" * (SIZE // 6),
    "signs": "R1 a 0 {" + "-" * SIZE + "1}",
    "operators": "R1 a 0 {" + "1+" * (SIZE // 2) + "1}",
    "dots": "." * SIZE,
    "lib starts": ".lib a\n" * (SIZE // 7),
    "lib sections": ".lib a\n.endl\n" * (SIZE // 13),
    "subcircuits": "".join(f".subckt s{k} p\n" for k in range(SIZE // 14)),
    "endless parameters": "\n".join(f".param p{k}={{p{k + 1}}}" for k in range(SIZE // 22)) + "\n.param p2978=1",
    "parameter cycle": "\n".join(f".param p{k}={{p{(k + 1) % 2500}}}" for k in range(2500)),
    "one parameter often": ".param a=1\n" * (SIZE // 11),
    "functions that double": "\n".join(f".func f{k}(x)={{f{k + 1}(x)+f{k + 1}(x)}}" for k in range(60))
    + "\n.func f60(x)=x\nR1 a 0 {f0(1)}",
    "subcircuits that double": "\n".join(f".subckt s{k} p\nX1 p s{k + 1}\nX2 p s{k + 1}\n.ends" for k in range(60))
    + "\n.subckt s60 p\nR1 p 0 1\n.ends\nX1 a s0",
    "a chain of subcircuits": "\n".join(f".subckt s{k} p\nX1 p s{k + 1}\n.ends" for k in range(1200)) + "\nX1 a s0",
    "many models": "\n".join(f".model m{k} r(r={k})" for k in range(3000)) + "\nR1 a 0 nomodel",
    "many parts": "\n".join(f"R{k} n{k} 0 1" for k in range(4000)) + "\n.save v(nn)",
    "wrong cards": "Q1 a b c\n" * (SIZE // 9),
    "sweeps": ".dc v1 0 1 1e-300\n" * 2000 + "V1 a 0 1",
    "frequencies": ".ac dec 1e9 1e-300 1e300\n" * 2000,
    "pulses": "V1 a 0 PULSE(0 1 0 1f 1f 1f 1f)\n.tran 1 1",
    "repeats": "V1 a 0 PWL repeat for 1e300 (0 0 1 1) endrepeat",
    "poly": "E1 a 0 POLY(100) " + "a b " * 100 + "1 " * 2000,
    "quotes": "R1 a 0 " + "'1' " * (SIZE // 4),
    "equals": "R1 a 0 " + "= " * (SIZE // 2),
    "keys": "R1 a 0 1 " + " ".join(f"k{k}=1" for k in range(7000)),
    "condition chain": "B1 a 0 V={" + "v(a)>0?1:" * 6000 + "0}",
    "sum of voltages": "B1 a 0 V={" + "+".join(f"v(n{k})" for k in range(6000)) + "}",
    "ports": ".subckt s " + " ".join(f"p{k}" for k in range(8000)) + "\n.ends",
    "options": ".options " + " ".join(f"o{k}" for k in range(8000)),
    "many steps": "V1 a 0 1\n" + ".step V1 0 1 0.01\n" * 3500,
    "measures": "V1 a 0 1\n.tran 1 1\n" + "\n".join(f".meas tran m{k} avg v(a)" for k in range(2300)),
    "zeros": "\x00" * SIZE,
}  # fmt: skip


@pytest.mark.parametrize("name", HARD)
def test_hard_texts_end_soon(name):
    text = "t\n" + HARD[name]
    assert len(text) < 2 * SIZE
    list(devices)
    start = time.process_time()
    outcome = outcome_of(text)
    assert isinstance(outcome, Circuit) or len(outcome) < 20_000
    # One second is the goal on a quiet machine; a busy one needs up to twice the processor time.
    assert time.process_time() - start < 2.5


@pytest.mark.parametrize("name", ["many parts", "sum of voltages"])
def test_hard_texts_take_little_memory(name):
    tracemalloc.start()
    try:
        outcome_of("t\n" + HARD[name])
    finally:
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert peak < 200e6
