"""Texts that are right, nearly right, or made of plausible pieces, from bytes that some fuzzer chooses."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from neurosim.circuit.files import Limits
from neurosim.circuit.model import Circuit
from neurosim.circuit.reader import read_netlist
from neurosim.errors import NetlistError

LIMITS = Limits(instances=2000, points=2000, characters=1_000_000)
DIALECTS = (None, "ngspice", "ltspice", "pspice")

PIECES = (
    "R1 r2 C1 L1 V1 I1 B1 E1 F1 G1 H1 K1 D1 S1 W1 T1 X1 X2 Q1 M1 YMEMRISTOR Yresistor m1 a b c 0 gnd n+ x1.a x y 1 2.5 "
    "1k 10M 4k7 1e-3 1e 1e400 -5 +3 1e-300 nan inf .5 mem mod {a} {b*2} '1/a' {1/0} {a {v(a)} {time} {temper} "
    "{if(v(a)>0,1,i(V1))} {sdt(v(x))} ( ) = , == { } ' \" ; $ // + * \\ v(a) v(a,b) i(v1) i(R1) V= I= R= a= b= ic= tc= "
    "r_on= model= level=2 level= model=vteam params: params value= value table poly(1) poly(2) td= r= sin( pulse( pwl( "
    "exp( dc ac uic list dec oct lin param temp all tran op r(r=5) d(is=1f) team(r_on=3) sw(ron=1) memristor( .5.5 v( "
    "i( from= to= at= when find avg trig targ val= rise=last cross= µ \x07 \t é 9 @r1[i] \ufeff ~ # % & | ^ ** ? : < >"
)
WORDS = tuple(PIECES.split(" "))
KEYWORDS = (
    ".param .func .subckt .ends .model .ic .nodeset .global .options .temp .tran .ac .dc .op .step .save .print .plot "
    ".probe .measure .meas .include .lib .endl .end .control .if .title .params .width + * ;"
)
CARDS = tuple(KEYWORDS.split(" "))
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


class Choices:
    """Choices that bytes make, zero when they are used up."""

    def __init__(self, data: bytes) -> None:
        self.data, self.at = data, 0

    def number(self) -> int:
        """The next byte."""
        self.at += 1
        return self.data[self.at - 1] if self.at <= len(self.data) else 0

    def pick(self, pieces: Sequence[str]) -> str:
        """One of `pieces`."""
        return pieces[(self.number() * 256 + self.number()) % len(pieces)]

    def picks(self, pieces: Sequence[str], most: int) -> list[str]:
        """Up to `most` of `pieces`."""
        return [self.pick(pieces) for _ in range(self.number() % (most + 1))]

    def line(self) -> str:
        """A card, a card with a changed word, a keyword with anything, or anything."""
        kind = self.number()
        if kind < 120:
            return self.pick(GOOD)
        if kind < 190:
            words = self.pick(GOOD).split(" ")
            place = self.number() % (len(words) + 1)
            words[place : place + self.number() % 2] = self.picks(WORDS, 2)
            return " ".join(words)
        if kind < 230:
            return " ".join([self.pick(CARDS), *self.picks(WORDS, 6)])
        return " ".join(self.picks(WORDS, 8))


def text_of(data: bytes) -> str | bytes:
    """A netlist from the choices that `data` makes; a few texts have changed bytes."""
    choices = Choices(data)
    kind = choices.number()
    changes = choices.number() % 4 if kind >= 200 else 0
    changed = [(choices.number() * 256 + choices.number(), choices.number()) for _ in range(changes)]
    lines = []
    while choices.at < len(data):
        lines.append(choices.line())
    # Names that resolve take the text further into the reader.
    text = "t\n" + (BASE if kind % 4 else "") + "\n".join(lines)
    if not changes:
        return text
    encoded = bytearray(text.encode())
    for place, value in changed:
        encoded[place % len(encoded)] = value
    return bytes(encoded)


def outcome_of(text: str | bytes, **options: Any) -> Circuit | str:
    """The circuit, or the message that it was refused with."""
    try:
        return read_netlist(text, **options)
    except NetlistError as error:
        return str(error)


def check(text: str | bytes, dialect: str | None) -> bool:
    """Whether `text` is accepted; any error but a NetlistError comes out."""
    outcome = outcome_of(text, dialect=dialect, limits=LIMITS)
    if isinstance(outcome, str):
        assert outcome, text
        assert not set(outcome) & set("\x01\x02\x03\x04\x05"), text
        return False
    return True
