"""Reading expressions: structure, places of errors, limits."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neurosim.errors import Location, NetlistError
from neurosim.expressions import MAX_DEPTH, MAX_LENGTH, Binary, Name, Number, Reference, parse, to_text

HERE = Location("a.cir", 3, 10, "B1 o 0 V=x")


@pytest.mark.parametrize(
    ("text", "structure"),
    [
        ("1+2*3-4/5", "((1.0 + (2.0 * 3.0)) - (4.0 / 5.0))"),
        ("2^3^2", "((2.0 ^ 3.0) ^ 2.0)"),
        ("2**3**2", "((2.0 ** 3.0) ** 2.0)"),
        ("-2^2", "(-(2.0 ^ 2.0))"),
        ("2^-1", "(2.0 ^ (-1.0))"),
        ("2--3", "(2.0 - (-3.0))"),
        ("a*-b", "(a * (-b))"),
        ("+a", "a"),
        ("!a==b", "((!a) == b)"),
        ("~a", "(!a)"),
        ("a<b==c", "((a < b) == c)"),
        ("a<>b", "(a != b)"),
        ("a&&b||c", "((a & b) | c)"),
        ("a||b&&c", "(a | (b & c))"),
        ("a|b&c", "(a | (b & c))"),
        ("a%b*c", "((a % b) * c)"),
        ("a?b:c?d:e", "(a ? b : (c ? d : e))"),
        ("a?b?c:d:e", "(a ? (b ? c : d) : e)"),
        ("a>0?-a:a+1", "((a > 0.0) ? (-a) : (a + 1.0))"),
        ("F(1, G(X),\n  (2))", "f(1.0, g(x), 2.0)"),
        ("f()", "f()"),
        ("V(In+ , OUT-)*I(Vs)+v(0)", "((v(in+,out-) * i(vs)) + v(0))"),
        ("'k'*{m}", "(k * m)"),
        ("1e- 9", "1e-09"),
        ("4k7+1meg", "(4700.0 + 1000000.0)"),
        ("x1.r+n#b", "(x1.r + n#b)"),
    ],
)
def test_structure(text: str, structure: str) -> None:
    assert to_text(parse(text).node) == structure


def test_ltspice_ranks_exclusive_or_below_comparisons_and_takes_signed_bases() -> None:
    assert to_text(parse("a>1^b>1", dialect="ltspice").node) == "((a > 1.0) ^ (b > 1.0))"
    assert to_text(parse("a>1^b>1", dialect="pspice").node) == "((a > (1.0 ^ b)) > 1.0)"
    assert to_text(parse("1-2**1.5", dialect="ltspice").node) == "(1.0 - (2.0 ** 1.5))"
    assert parse("-2**1.5", dialect="ltspice").node == Binary("**", Number(-2.0), Number(1.5))


@pytest.mark.parametrize(
    ("text", "message", "column"),
    [
        ("", "an empty expression", 10),
        ("1+", "ends where a value should follow", 11),
        ("(1", "'(' is never closed", 10),
        ("1+f(2", "'f' is never closed", 12),
        ("1)", "')' closes nothing", 11),
        ("{1)", "')' closes '{'", 12),
        ("a b", "two values without an operator", 12),
        ("a ? b", "'?' without ':'", 12),
        ("f(a ? b, c)", "'?' without ':'", 14),
        ("a : b", "':' without '?'", 12),
        ("1, 2", "',' outside the arguments", 11),
        ("v()", "without the name of a net", 10),
        ("v(a b)", "without the name of a net", 10),
        ("i(a,b)", "without the name of a part", 10),
        ("2+1.2.3", "'1.2.3' is not a number", 12),
        ("10V2", "'10V2' is not a number", 10),
        ("a = b", "unexpected character '='", 12),
        ("a # b", "unexpected character '#'", 12),
        ("2 + * 3", "'*' stands where a value should", 14),
        ("f(,1)", "',' stands where a value should", 12),
        ("a ! b", "'!' stands where an operator", 12),
        ("1e999", "1e999 is too large", 10),
        ("1+" + "n" * 257, "a name of 257 characters", 12),
        ("v(" + "n" * 257 + ")", "a name of 257 characters", 10),
        ("(" * (MAX_DEPTH + 1) + "1" + ")" * (MAX_DEPTH + 1), f"nested deeper than {MAX_DEPTH}", 10 + MAX_DEPTH),
        ("1" + " " * MAX_LENGTH, "at most 65536 are accepted", 10),
    ],
)
def test_errors_say_what_and_where(text: str, message: str, column: int) -> None:
    with pytest.raises(NetlistError) as caught:
        parse(text, HERE)
    assert message in caught.value.message
    assert caught.value.location is not None
    assert (caught.value.location.line, caught.value.location.column) == (3, column)


def test_deepest_accepted_nesting() -> None:
    assert parse("(" * MAX_DEPTH + "1" + ")" * MAX_DEPTH).node == Number(1.0)


def test_continuation_lines_are_located() -> None:
    def locate(offset: int) -> Location:
        return Location("a.cir", 7, 5 + offset) if offset < 4 else Location("a.cir", 9, 3 + offset - 4)

    with pytest.raises(NetlistError) as caught:
        parse("1 + * 2", locate=locate)
    assert str(caught.value.location) == "a.cir:9:3"


def test_contents_in_order_of_first_use() -> None:
    expression = parse("f(b, v(y)) + a*v(x) + sqrt(v(y)) + b + i(vm) + pi")
    assert expression.names == ("b", "a", "pi")
    assert expression.references == (Reference("v", ("y",)), Reference("v", ("x",)), Reference("i", ("vm",)))
    assert expression.calls == ("f", "sqrt")


def test_unknown_dialect() -> None:
    with pytest.raises(ValueError, match="hspice"):
        parse("1", dialect="hspice")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "dialect", "noted"),
    [
        ("x^3", "ngspice", ["'^'"]),
        ("x^2", "ngspice", []),
        ("x^2", "ltspice", ["'^'"]),
        ("x**y + x**3", "ngspice", ["'**'"]),
        ("pow(x,2)+pow(x,y)", "ngspice", ["'pow'"]),
        ("pow(x,4)", "ngspice", []),
        ("pwr(x,2)", "ngspice", ["'pwr'"]),
        ("limit(x,0,1)", "pspice", ["'limit'"]),
        ("if(x>1&&y<2,1,0)", "ngspice", []),
        ("if(x,1,0)", "ngspice", ["a number used as a condition"]),
        ("x ? 1 : 0", "ngspice", ["a number used as a condition"]),
        ("-2**1.5", "ltspice", ["'-a**b'", "'**'"]),
        ("a>1&b>1|c>1", "ltspice", ["'&', '|' and '^' side by side"]),
        ("log(x)*u(x)", "ngspice", []),
    ],
)
def test_dialect_notes(text: str, dialect, noted: list[str]) -> None:
    notes = parse(text, HERE, dialect).dialect_notes
    assert [note.message.split(" depends on")[0] for note in notes] == noted
    assert all(note.location is not None for note in notes)


_texts = st.text(alphabet="0123456789.eEkKm+-*/^%?:!&|~<>=(){}',vViIabx \n#@\\", max_size=60)


@settings(max_examples=400)
@given(_texts | st.text(max_size=60), st.sampled_from(["ngspice", "ltspice", "pspice"]))
def test_any_text_is_read_or_refused_with_a_place(text: str, dialect) -> None:
    place = None
    try:
        assert parse(text, HERE, dialect).text == text
    except NetlistError as error:
        place = error.location or Location("nowhere", 0, 0)
    assert place is None or (place.line == 3 and place.column >= 10)


@settings(max_examples=200)
@given(
    st.recursive(
        st.sampled_from(["x", "y", "2", "0.5", "v(a)", "i(b)", "3k"]),
        lambda inner: st.one_of(
            st.tuples(inner, st.sampled_from(["+", "-", "*", "/", "<", ">=", "==", "&", "|", "^", "**"]), inner).map(
                lambda parts: f"({parts[0]}{parts[1]}{parts[2]})"
            ),
            inner.map(lambda part: f"-({part})"),
            st.tuples(inner, inner, inner).map(lambda parts: f"({parts[0]}?{parts[1]}:{parts[2]})"),
            st.tuples(inner, inner).map(lambda parts: f"f({parts[0]}, {parts[1]})"),
        ),
        max_leaves=12,
    )
)
def test_text_of_a_tree_reads_back(text: str) -> None:
    node = parse(text).node
    assert parse(to_text(node)).node == node


@pytest.mark.parametrize(
    "text",
    [
        "1+" * 32000 + "1",
        "-" * 60000 + "1",
        "a?" * 16000 + "1" + ":1" * 16000,
        "2^-" * 20000 + "1",
        "(" * 65000,
        "f(" * 32000,
        "x" * 65000,
        "9" * 65000,
        "1e" + "9" * 65000,
        "f(x)+" * 13000 + "1",
        "a," * 30000,
        "v(" + "a" * 65000,
        "v( " * 20000,
        "1 " * 30000,
        " " * 65000,
    ],
    ids=lambda text: text[:6],
)
def test_large_texts_are_fast_and_never_recurse(text: str) -> None:
    started = time.process_time()
    try:
        expression = parse(text, HERE)
    except NetlistError:
        expression = None
    assert time.process_time() - started < 1.0
    if expression is not None:
        assert hash(expression.node) == hash(expression.node)
        assert expression.node == parse(text).node
        assert len(repr(expression.node)) < 40000
        assert isinstance(expression.names, tuple)


def test_nodes_compare_by_structure_not_by_place() -> None:
    assert parse("a + 1").node == parse("  a+1").node
    assert parse("a + 1").node != parse("a + 2").node
    assert parse("a + 1").node != parse("a - 1").node
    assert Name("a") != Number(1.0)
    assert hash(Number(-1.0)) == hash(Number(-2.0))
    assert Number(-1.0) != Number(-2.0)
    assert len({parse("a+b").node, parse("(a)+b").node, parse("b+a").node}) == 2
