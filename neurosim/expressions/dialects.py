"""Where the SPICE dialects give different numbers for the same text.

The ngspice column was run in ngspice 39.3 without a compatibility mode, in B sources (here: behaviours) and in
``{...}`` values (here: constants), which ngspice evaluates by two different programs. LTspice: its help, topics "B.
Arbitrary Behavioral Voltage or Current Sources" (ltwiki.org/LTspiceHelpXVII) and ".PARAM" (quoted for version 26 at
ez.analog.com/design-tools-and-calculators/ltspice, bug report 604206). PSpice: user's guide, tables "Operators in
expressions" and "Functions in arithmetic expressions" (resources.pcb.cadence.com/i/1180526/163).

==============  ================================  ==============================  ==============================
text            ngspice 39.3                      LTspice                         PSpice
==============  ================================  ==============================  ==============================
``x^y``         abs(x)^y                          exclusive or                    power (exclusive or only in IF)
``x**y``        abs(x)^y                          real part of x^y                power (recalled: NaN if complex)
``pow(x,y)``    abs(x)^y; x^y in constants        real part of x^y                power (recalled)
``pwr(x,y)``    sgn(x) abs(x)^y; abs(x)^y in      abs(x)^y                        abs(x)^y
                constants
``pwrs(x,y)``   none: sgn(x) abs(x)^y             sgn(x) abs(x)^y                 sgn(x) abs(x)^y
``-2**1.5``     -(2**1.5)                         (-2)**1.5                       -(2**1.5) (recalled)
``limit``       two arguments, random: refused    middle of three                 clamp between two bounds
``log(x)``      natural                           natural                         natural
``u(0)``        0.5                               0                               0 (``stp``)
true            not zero                          greater than 0.5                not zero (recalled)
``pwl``         goes on linearly outside          ``table``: end values           ``table``: end values
sqrt, asin,     error outside their domain        real part                       error (recalled)
acos, acosh
==============  ================================  ==============================  ==============================

A binary ``^`` or ``**`` groups to the left (``2^3^2`` is 64 in ngspice) and binds tighter than a sign before it
(``-2^2`` is -4 in ngspice). What only LTspice and PSpice know (``if``, ``stp``, ``table``, ``idt``, ``sdt``, ...) is
taken in every dialect. IEEE 754 holds where ngspice bends it: exp does not stop at 1e99, 1/0 is inf and not 1e32,
ln(0) is -inf and not -1e99.
"""

from __future__ import annotations

from typing import Literal

Dialect = Literal["ngspice", "ltspice", "pspice"]
DIALECTS: tuple[Dialect, ...] = ("ngspice", "ltspice", "pspice")

SENSITIVE: dict[str, str] = {
    "^": "|x|^y in ngspice, exclusive or in LTspice, a power in PSpice",
    "**": "|x|**y in ngspice, the real part of x**y in LTspice, x**y in PSpice",
    "pow": "|x|^y in sources and x^y in constants in ngspice, the real part of x^y in LTspice, x^y in PSpice",
    "pwr": "sgn(x) |x|^y in sources and |x|^y in constants in ngspice, |x|^y in LTspice and PSpice",
    "limit": "a random number in ngspice, the middle of three values in LTspice, a clamp in PSpice",
    "truth": "any number but 0 is true in ngspice and PSpice, only one above 0.5 is true in LTspice",
    "sign": "the sign before a power belongs to the base in LTspice when it stands before a number",
    "mixed": "LTspice ranks & below | below ^, the other dialects as C does; parentheses make it clear",
}
"""What depends on the dialect, and how; shown to a user who did not state one."""

TITLES = {"truth": "a number used as a condition", "sign": "'-a**b'", "mixed": "'&', '|' and '^' side by side"}
