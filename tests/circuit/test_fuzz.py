"""Whatever the text, only NetlistError comes out, soon and without much memory."""

import random
import time
import tracemalloc
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neurosim.circuit.files import Limits
from neurosim.circuit.model import Circuit
from neurosim.circuit.reader import read_netlist
from neurosim.devices import devices
from neurosim.errors import NetlistError

TEXTS = 20_000
LIMITS = Limits(instances=2000, points=2000, characters=1_000_000)

PIECES = (
    "R1 r2 C1 L1 V1 I1 B1 E1 F1 G1 H1 K1 D1 S1 W1 T1 X1 X2 Q1 M1 YMEMRISTOR Yresistor m1 a b c 0 gnd n+ x1.a x y 1 2.5 "
    "1k 10M 4k7 1e-3 1e 1e400 -5 +3 1e-300 nan inf .5 mem mod {a} {b*2} '1/a' {1/0} {a {v(a)} {time} {temper} "
    "{if(v(a)>0,1,i(V1))} {sdt(v(x))} ( ) = , == { } ' \" ; $ // + * \\ v(a) v(a,b) i(v1) i(R1) V= I= R= a= b= ic= tc= "
    "r_on= model= level=2 level= model=vteam params: params value= value table poly(1) poly(2) td= r= sin( pulse( pwl( "
    "exp( dc ac uic list dec oct lin param temp all tran op r(r=5) d(is=1f) team(r_on=3) sw(ron=1) memristor( .5.5 v( "
    "i( from= to= at= when find avg trig targ val= rise=last cross= µ \x07 \t é 9 @r1[i] \ufeff ~ # % & | ^ ** ? : < >"
)
WORDS = PIECES.split(" ")
KEYWORDS = (
    ".param .func .subckt .ends .model .ic .nodeset .global .options .temp .tran .ac .dc .op .step .save .print .plot "
    ".probe .measure .meas .include .lib .endl .end .control .if .title .params .width + * ;"
)
CARDS = KEYWORDS.split(" ")
GOOD = (
    "R1 a 0 1k", "R2 a b {a*2}", "C1 b 0 1u ic=1", "V2 b 0 SIN(0 1 1k)", "B1 a b I=v(a)*i(R9)", "X1 a b s a=3",
    "X2 b 0 s",
    "D1 a b mod", "R3 a c 5 tc=1,2", "B2 c 0 V={if(v(a)>0,f(a),idt(v(b)))}", ".param c={a^2}", ".tran 1u 1m",
    "E1 d 0 value={f(v(a))}", "YMEMRISTOR m1 a b model=team", ".dc v1 0 1 0.1", ".ac dec 3 1 1k", "C2 a 0 Q={v(a)^2}",
    ".ic v(a)=1", ".save v(a) i(r9)", ".step param a list 1 2", ".measure tran m avg v(a)", "G1 a 0 poly(1) a b 0 1 2",
    "V3 c 0 PWL(0 0 1 1)", "L2 b 0 1m", "K1 L1 L1 0.5", "F1 a 0 V1 2", "H1 d 0 V1 2", "S1 a b c 0 sw",
    "R4 b 0 {1+v(a)}",
    "T1 a 0 b 0 z0=50 td=1n", "I1 a 0 PULSE(0 1 0 1n 1n 1u 2u)", ".options reltol=1e-3 method=gear", ".temp 50",
    ".subckt t p\nR1 p 0 1\n.ends\nX3 a t", ".plot v(a,b)", ".meas ac z find v(a) when v(b)=1", ".nodeset v(b)={a}",
)  # fmt: skip


def line(rng: random.Random) -> str:
    """A card that is right, nearly right, or made of plausible pieces."""
    kind = rng.random()
    if kind < 0.45:
        return rng.choice(GOOD)
    if kind < 0.7:
        words = rng.choice(GOOD).split(" ")
        for _ in range(rng.randint(1, 2)):
            place = rng.randrange(len(words) + 1)
            words[place : place + rng.randint(0, 1)] = [rng.choice(WORDS)] * rng.randint(0, 1)
        return " ".join(words)
    return (
        " ".join([rng.choice(CARDS), *rng.choices(WORDS, k=rng.randint(0, 6))])
        if kind < 0.9
        else " ".join(rng.choices(WORDS, k=rng.randint(1, 8)))
    )


BASE = """.subckt s p q a=1 b={a}
R1 p m {a}
C1 m q {b*1u} ic={a}
.ends
.model mod d(is=1f)
.model sw sw(ron=1 roff=1k)
.func f(x)={x*2}
.param a=2 b={a+1}
V1 a 0 SIN(0 1 1k)
L1 a c 1m
R9 b c 1
"""


def text_of(rng: random.Random) -> str | bytes:
    text = "\n".join(line(rng) for _ in range(rng.randint(1, 5)))
    # Names that resolve take the text further into the reader.
    text = f"t\n{BASE if rng.random() < 0.7 else ''}{text}"
    kind = rng.random()
    if kind < 0.85:
        return text
    if kind < 0.95:
        data = bytearray(text.encode())
        for _ in range(rng.randint(1, 4)):
            data[rng.randrange(len(data))] = rng.randrange(256)
        return bytes(data)
    return bytes(rng.choices(range(256), k=rng.randint(0, 60)))


def outcome_of(text: str | bytes, **options: Any) -> Circuit | str:
    """The circuit, or the message that it was refused with."""
    try:
        return read_netlist(text, **options)
    except NetlistError as error:
        return str(error)


@given(st.one_of(st.text(), st.binary(), st.lists(st.sampled_from([*GOOD, *WORDS])).map(" ".join)))
def test_any_text(text):
    outcome_of(b"t\n" + text if isinstance(text, bytes) else "t\n" + text, limits=LIMITS)


@pytest.mark.parametrize("part", range(4))
def test_only_netlist_errors_come_out(part):
    list(devices)
    accepted = 0
    for number in range(part, TEXTS, 4):
        rng = random.Random(number)
        text = text_of(rng)
        try:
            outcome = outcome_of(text, dialect=rng.choice((None, "ngspice", "ltspice", "pspice")), limits=LIMITS)
        except Exception as error:
            raise AssertionError(f"{type(error).__name__} for text number {number}: {text!r}") from error
        if isinstance(outcome, str):
            assert outcome, text
            assert not set(outcome) & set("\x01\x02\x03\x04"), text
        else:
            accepted += 1
    # A fuzzer whose texts are all refused at the first card tests nothing else.
    assert accepted > TEXTS / 4 / 6


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
