"""Lines to cards: comments, continuations, tokens and the place of every character."""

import pytest

from neurosim.circuit.lexer import SourceFile, cards, decode, split_lines, strip_comment
from neurosim.errors import NetlistError


def lex(text: str, dialect: str = "ngspice") -> list:
    return cards(SourceFile("f.cir", ".", split_lines(text)), dialect)


def texts(text: str, dialect: str = "ngspice") -> list[str]:
    return [card.text for card in lex(text, dialect)]


def test_continuations_skip_comment_and_blank_lines():
    assert texts("R1 a b\n* comment\n\n  + 1k ; end\n+\n+ tc=1\nR2 a b 1") == ["R1 a b 1k tc=1", "R2 a b 1"]


@pytest.mark.parametrize(
    ("lines", "joined"),
    [
        ("1.5e-\n+3", "1.5e-3"),
        ("x=2E+\n+ 06", "x=2E+06"),
        ("(a*.5e\n+ -3)", "(a*.5e-3)"),
        ("1e\n+ -9", "1e-9"),
        ("n2e-\n+3", "n2e- 3"),
        ("abc\n+3", "abc 3"),
        ("2e\n+ 3", "2e 3"),
        ("x^\n+2", "x^ 2"),
    ],
)
def test_a_break_inside_an_exponent_is_mended(lines, joined):
    assert texts(lines) == [joined]


@pytest.mark.parametrize(
    ("line", "ngspice", "ltspice", "pspice"),
    [
        ("R1 a b 1 ; c", "R1 a b 1", "R1 a b 1", "R1 a b 1"),
        ("R1 a b 1 $ c", "R1 a b 1", "R1 a b 1", "R1 a b 1 $ c"),
        ("R1 a b 1 $c", "R1 a b 1", "R1 a b 1 $c", "R1 a b 1 $c"),
        ("R1 a$b 0 1", "R1 a$b 0 1", "R1 a$b 0 1", "R1 a$b 0 1"),
        ("R1 a b 1 // c", "R1 a b 1", "R1 a b 1 // c", "R1 a b 1 // c"),
        ('.inc "a;b" ; c', '.inc "a;b"', '.inc "a;b"', '.inc "a;b"'),
        ("  * c", "", "", ""),
    ],
)
def test_comments_of_each_dialect(line, ngspice, ltspice, pspice):
    assert [strip_comment(line, d) for d in ("ngspice", "ltspice", "pspice")] == [ngspice, ltspice, pspice]


def test_tokens():
    (card,) = lex("V1 a 0 SIN(0,{a*(1+b)} 'x y') f=\"A b\" v(a,b)==2")
    assert [(t.kind, t.text) for t in card.tokens] == [
        ("word", "v1"), ("word", "a"), ("word", "0"), ("word", "sin"), ("(", "("), ("word", "0"), (",", ","),
        ("expression", "a*(1+b)"), ("expression", "x y"), (")", ")"), ("word", "f"), ("=", "="), ("string", "a b"),
        ("word", "v"), ("(", "("), ("word", "a"), (",", ","), ("word", "b"), (")", ")"), ("=", "="), ("=", "="),
        ("word", "2"),
    ]  # fmt: skip
    assert card.tokens[12].raw == "A b"


def test_places_count_physical_lines():
    (card,) = lex("R1 a b\n* c\n+  1k tc=2")
    where = card.token_location(3)
    assert (where.line, where.column, where.text, where.length) == (3, 4, "+  1k tc=2", 2)
    assert (card.token_location(0).line, card.token_location(0).column) == (1, 1)


@pytest.mark.parametrize(
    ("text", "message", "column"),
    [
        ("R1 a b {1", "not closed", 8),
        ("R1 a b 1}", "without a '{'", 9),
        ("R1 a 'b", "quote ' is not closed", 6),
        ("R1 a \x00", "control character", 6),
        ("+ R1", "no card before", 1),
    ],
)
def test_broken_lines(text, message, column):
    with pytest.raises(NetlistError, match=message) as caught:
        [card.tokens for card in lex(text)]
    assert caught.value.location is not None
    assert caught.value.location.column == column


def test_encodings():
    assert decode("10µ".encode()) == "10µ"
    assert decode("10µ".encode("latin-1")) == "10µ"
    assert decode("10µ".encode("utf-16")) == "10µ"
    assert decode(b"\xef\xbb\xbftitle") == "title"
    assert split_lines("a\r\nb\rc\nd") == ("a", "b", "c", "d")
