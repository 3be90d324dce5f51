"""Elementary functions without branches or library calls, so that loops over a batch run on vector registers.

Errors stay below 2 units in the last place, subnormal results included. NaN stays NaN, infinities and overflow give
what IEEE 754 and C99 ask for (tests/kernels/test_functions.py measures both). They need fused multiply-add, which
every x86-64 processor with AVX2 and every 64-bit ARM has; elsewhere the compiler calls a slow library routine.

Method: argument reduction by a power of two and a polynomial on the small remainder, as in P. T. P. Tang, ACM TOMS 15,
144 (1989), doi:10.1145/63522.214389 (exp), and fdlibm's e_log.c, s_log1p.c, s_expm1.c and e_pow.c (recalled).
"""

from __future__ import annotations

import math
import struct
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np

from neurosim.kernels.abi import Helper, NumbaObject

LOG2_E = 1.4426950408889634
LN2_HIGH = 6.93147180369123816490e-01
"""ln 2 with 32 significant bits, so that its product with an exponent is exact; `LN2_LOW` is the rest."""
LN2_LOW = 1.90821492927058770002e-10
ROUND = 6755399441055744.0
"""1.5 * 2^52: adding it rounds to an integer, which then stands in the low bits."""
EXPONENT_ONE = 1023 << 52
SQRT_HALF_BITS = 0x3FE6A09E667F3BCD
TWO_52_BITS = 0x4330000000000000
SMALLEST_NORMAL = 2.0**-1022
CAP = 80.0
"""Argument [1] above which `limited_exp` goes on as a straight line."""

E2, E3, E4, E5, E6, E7, E8, E9, E10, E11, E12, E13 = (1.0 / math.factorial(k) for k in range(2, 14))
L1, L2, L3, L4, L5, L6, L7 = (
    6.666666666666735130e-01,
    3.999999999940941908e-01,
    2.857142874366239149e-01,
    2.222219843214978396e-01,
    1.818357216161805012e-01,
    1.531383769920937332e-01,
    1.479819860511658591e-01,
)
A5, A7, A9, A11, A13, A15, A17, A19, A21, A23, A25, A27 = (2.0 / k for k in range(5, 28, 2))
TWO_THIRDS = 2.0 / 3.0
TWO_THIRDS_LOW = float(Fraction(2, 3) - Fraction(TWO_THIRDS))


class Instruction(NumbaObject):
    """One machine instruction in compiled code, with its meaning in plain Python."""

    def __init__(self, build: Callable[[], Any], meaning: Callable[..., Any]) -> None:
        super().__init__(build)
        self.meaning = meaning

    def __call__(self, *args: Any) -> Any:
        """Carry it out in plain Python."""
        return self.meaning(*args)


class Inlined(Helper):
    """A helper whose body always replaces its call: a loop with a call left in it is not vectorised."""

    def _compile(self) -> Any:
        dispatcher = super()._compile()
        dispatcher.targetoptions["forceinline"] = True
        return dispatcher


def _build_bits_of() -> Any:
    from llvmlite import ir
    from numba import types
    from numba.extending import intrinsic

    @intrinsic
    def bits_of(typing_context, x):
        def generate(target, builder, signature, values):
            return builder.bitcast(values[0], ir.IntType(64))

        return types.int64(types.float64), generate

    return bits_of


def _build_from_bits() -> Any:
    from llvmlite import ir
    from numba import types
    from numba.extending import intrinsic

    @intrinsic
    def from_bits(typing_context, i):
        def generate(target, builder, signature, values):
            return builder.bitcast(values[0], ir.DoubleType())

        return types.float64(types.int64), generate

    return from_bits


def _build_fused() -> Any:
    from numba import types
    from numba.extending import intrinsic

    @intrinsic
    def fused(typing_context, a, b, c):
        def generate(target, builder, signature, values):
            return builder.fma(*values)

        return types.float64(types.float64, types.float64, types.float64), generate

    return fused


def _fused_meaning(a: float, b: float, c: float) -> float:
    if not (math.isfinite(a) and math.isfinite(b) and math.isfinite(c)):
        return a * b + c
    exact = Fraction(a) * Fraction(b) + Fraction(c)
    try:
        return float(exact) if exact else a * b + c
    except OverflowError:
        return math.copysign(math.inf, exact)


def _wrapped(i: int) -> int:
    return (int(i) + (1 << 63)) % (1 << 64) - (1 << 63)


bits_of = Instruction(_build_bits_of, lambda x: struct.unpack("<q", struct.pack("<d", x))[0])
from_bits = Instruction(_build_from_bits, lambda i: struct.unpack("<d", struct.pack("<q", _wrapped(i)))[0])
fused = Instruction(_build_fused, _fused_meaning)


@Inlined
def _power_of_two(k):
    """2^k for an integer-valued float k in -1022..1023."""
    return from_bits((bits_of(k + ROUND) << 52) + EXPONENT_ONE)


@Inlined
def _exp_series(r):
    """Return (exp(r) - 1 - r) / r^2 for |r| < 0.35."""
    r2 = r * r
    r4 = r2 * r2
    # Pairs are summed first (Estrin), which keeps several multiplications in flight.
    q0 = fused(fused(E5, r, E4), r2, fused(E3, r, E2))
    q1 = fused(fused(E9, r, E8), r2, fused(E7, r, E6))
    q2 = fused(fused(E13, r, E12), r2, fused(E11, r, E10))
    return fused(fused(q2, r4, q1), r4, q0)


@Inlined
def _reduced_exp(x):
    """Return (r, t, a, b) with exp(x) = (1 + r + t) 2^a 2^b; x within -1400..1400, |r| < 0.35, |t| < 0.07."""
    k = fused(x, LOG2_E, ROUND) - ROUND
    high = fused(-k, LN2_HIGH, x)
    low = k * LN2_LOW
    r = high - low
    lost = (high - r) - low
    a = fused(k, 0.5, ROUND) - ROUND
    return r, fused(r * r, _exp_series(r), lost), a, k - a


@Inlined
def fast_exp(x):
    """Return e^x."""
    x = 710.0 if x > 710.0 else x
    x = -746.0 if x < -746.0 else x
    r, t, a, b = _reduced_exp(x)
    return (1.0 + (r + t)) * _power_of_two(a) * _power_of_two(b)


@Inlined
def fast_fading(x):
    """Return e^-x to an ulp or two, for x of 0 or above, and e^-708 from there on: half the work of `fast_exp`."""
    x = -708.0 if x > 708.0 else -x
    shifted = fused(x, LOG2_E, ROUND)
    k = shifted - ROUND
    r = fused(-k, LN2_LOW, fused(-k, LN2_HIGH, x))
    return (1.0 + fused(r * r, _exp_series(r), r)) * from_bits((bits_of(shifted) << 52) + EXPONENT_ONE)


@Inlined
def fast_expm1(x):
    """Return e^x - 1 without cancellation near 0."""
    y = 710.0 if x > 710.0 else x
    y = -60.0 if y < -60.0 else y
    r, t, a, b = _reduced_exp(y)
    s = _power_of_two(a)
    return math.copysign(fused(s, t, fused(s, r, s - _power_of_two(-b))) * _power_of_two(b), x)


@Inlined
def _reduced_log(x):
    """Return (k, f) with x = 2^k (1 + f), sqrt(1/2) <= 1 + f < sqrt(2), for positive finite normal x."""
    bits = bits_of(x)
    # The exponent is made positive before the shift: vector units shift unsigned integers only.
    shifted = (bits - SQRT_HALF_BITS + (1024 << 52)) >> 52 & 4095
    k = from_bits(shifted | TWO_52_BITS) - (4503599627370496.0 + 1024.0)
    return k, from_bits(bits - ((shifted - 1024) << 52)) - 1.0


@Inlined
def _log_of(k, f, c):
    """Return k ln 2 + log(1 + f) + c for a small correction c."""
    s = f / (2.0 + f)
    z = s * s
    r = fused(L7, z, L6)
    r = fused(r, z, L5)
    r = fused(r, z, L4)
    r = fused(r, z, L3)
    r = fused(r, z, L2)
    r = fused(r, z, L1) * z
    h = 0.5 * f * f
    return fused(k, LN2_HIGH, f - (h - fused(s, h + r, fused(k, LN2_LOW, c))))


@Inlined
def fast_log(x):
    """Return the natural logarithm; -inf at 0, NaN below."""
    tiny = x < SMALLEST_NORMAL
    k, f = _reduced_log(x * 18014398509481984.0 if tiny else x)
    y = _log_of(k - 54.0 if tiny else k, f, 0.0)
    y = x if x == math.inf else y
    y = -math.inf if x == 0.0 else y
    return y if x >= 0.0 else math.nan


@Inlined
def fast_log1p(x):
    """Return log(1 + x) without cancellation near 0; -inf at -1, NaN below."""
    u = 1.0 + x
    k, f = _reduced_log(u)
    lost = x - (u - 1.0) if x < 1.0 else 1.0 - (u - x)
    near = k == 0.0
    y = _log_of(k, x if near else f, 0.0 if near else lost / (1.0 if u == 0.0 else u))
    y = x if x == math.inf or x == 0.0 else y
    y = -math.inf if x == -1.0 else y
    return y if x >= -1.0 else math.nan


@Inlined
def _expm1_pair(a):
    """Return e^a - 1 as an unevaluated sum of two, for a in -60..60."""
    r, t, i, j = _reduced_exp(a)
    s = _power_of_two(i + j)
    h = fused(s, r, s - 1.0)
    e = fused(s, t, h)
    return e, fused(s, t, h - e)


@Inlined
def _ratio(n, n_low, d, d_low):
    """Return (n + n_low) / (d + d_low) as an unevaluated sum of two."""
    inverse = 1.0 / d
    q = n * inverse
    return q, (fused(-q, d, n) + (n_low - q * d_low)) * inverse


@Inlined
def fast_pow(x, y):
    """Return x^y with the special cases of C99: NaN for a negative base and a fractional exponent."""
    base = abs(x)
    tiny = base < SMALLEST_NORMAL
    k, f = _reduced_log(base * 18014398509481984.0 if tiny else base)
    k = k - 54.0 if tiny else k
    # log(1 + f) = 2 atanh(s), s = f / (2 + f), each number as an unevaluated sum of two.
    d = 2.0 + f
    d_low = f - (d - 2.0)
    s, s_low = _ratio(f, 0.0, d, d_low)
    z = s * s
    z_low = fused(s, s, -z) + 2.0 * s * s_low
    z2 = z * z
    z4 = z2 * z2
    q0 = fused(fused(A11, z, A9), z2, fused(A7, z, A5))
    q1 = fused(fused(A19, z, A17), z2, fused(A15, z, A13))
    q2 = fused(fused(A27, z, A25), z2, fused(A23, z, A21))
    q = fused(fused(q2, z4, q1), z4, q0)
    # g = 2/3 + z q, then 2 s + s z g.
    zq = z * q
    g = TWO_THIRDS + zq
    g_low = (TWO_THIRDS - g) + zq + (TWO_THIRDS_LOW + z_low * q + fused(z, q, -zq))
    h = z * g
    h_low = fused(z, g, -h) + z * g_low + z_low * g
    m = 2.0 + h
    m_low = (2.0 - m) + h + h_low
    l = s * m
    l_low = fused(s, m, -l) + s * m_low + s_low * m
    kh = k * LN2_HIGH
    big = kh + l
    rest = (kh - big) + l if k != 0.0 else l - big
    logarithm_low = rest + (l_low + k * LN2_LOW)
    logarithm = big + logarithm_low
    logarithm_low = (big - logarithm) + logarithm_low
    # e^(y log x), the low part of the exponent applied as a factor.
    power = 1e300 if y > 1e300 else y
    power = -1e300 if power < -1e300 else power
    e = power * logarithm
    e_low = fused(power, logarithm, -e) + power * logarithm_low
    clipped = 1400.0 if e > 1400.0 else e
    clipped = -1400.0 if clipped < -1400.0 else clipped
    r, t, a, b = _reduced_exp(clipped)
    t += e_low * (1.0 + (r + t)) if clipped == e else 0.0
    value = (1.0 + (r + t)) * _power_of_two(a) * _power_of_two(b)
    value = (0.0 if y < 0.0 else math.inf) if base == math.inf else value
    value = (math.inf if y < 0.0 else 0.0) if base == 0.0 else value
    whole = np.floor(y) == y
    odd = whole and np.floor(0.5 * y) != 0.5 * y
    value = math.nan if x < 0.0 and base != math.inf and not whole else value
    value = math.copysign(value, x) if odd else value
    value = math.nan if math.isnan(x) or math.isnan(y) else value
    return 1.0 if x == 1.0 or y == 0.0 else value


@Inlined
def fast_tanh(x):
    """Return the hyperbolic tangent."""
    a = abs(x)
    a = 20.0 if a > 20.0 else a
    e, e_low = _expm1_pair(2.0 * a)
    # tanh a = e / (e + 2), or 1 - 2 / (e + 2) where that rounds less.
    small = a < 0.55
    d = e + 2.0
    d_low = ((e - (d - 2.0)) if e < 2.0 else (2.0 - (d - e))) + e_low
    q, q_low = _ratio(e if small else 2.0, e_low if small else 0.0, d, d_low)
    return math.copysign(q + q_low if small else (1.0 - q) - q_low, x)


@Inlined
def fast_logistic(x):
    """Return 1 / (1 + e^-x)."""
    e = fast_exp(-abs(x))
    d = 1.0 + e
    q, q_low = _ratio(1.0 if x >= 0.0 else e, 0.0, d, e - (d - 1.0))
    return q + q_low


@Inlined
def _half_exp(a):
    """Return e^a / 2 for a >= 0, finite as long as that is."""
    a = 711.0 if a > 711.0 else a
    r, t, i, j = _reduced_exp(a)
    return (1.0 + (r + t)) * (0.5 * _power_of_two(i)) * _power_of_two(j)


@Inlined
def fast_sinh(x):
    """Return the hyperbolic sine."""
    a = abs(x)
    e, e_low = _expm1_pair(22.0 if a > 22.0 else a)
    d = e + 1.0
    d_low = ((e - (d - 1.0)) if e < 1.0 else (1.0 - (d - e))) + e_low
    q, q_low = _ratio(e, e_low, d, d_low)
    near = 0.5 * (e + (q + (q_low + e_low)))
    far = _half_exp(a)
    return math.copysign(far if a > 22.0 else near, x)


@Inlined
def fast_cosh(x):
    """Return the hyperbolic cosine."""
    h = _half_exp(abs(x))
    return h + 0.25 / h


@Inlined
def softplus(x):
    """Return log(1 + e^x) without overflow."""
    return (x if x > 0.0 else 0.0) + fast_log1p(fast_exp(-abs(x)))


@Inlined
def limited_exp(x):
    """Return e^x up to x = `CAP`, its tangent line beyond, so that Newton iterations cannot overflow."""
    excess = x - CAP if x > CAP else 0.0
    return fast_exp(CAP if x > CAP else x) * (1.0 + excess)


@Inlined
def limited_exp_derivative(x):
    """Return the derivative of `limited_exp`."""
    return fast_exp(CAP if x > CAP else x)
