"""How large the error estimate of a step is beside what is tolerated."""

from __future__ import annotations

import numpy as np

from neurosim.kernels.abi import helper
from neurosim.kernels.run import NORM, RMS_OF_BOTH_ENDS, RTOL, WORST

ASTRAY = 0.01
"""Error of any one unknown, relative to its largest value, that makes a step too long where `rtol` is less [1]."""

LEAP = 10.0
"""Growth in one step up to which an unknown's new value is what its error is relative to [1]."""


@helper
def error_norm(run):
    """Size of the error estimate relative to the tolerances; remembers the worst unknown of a step to be refused."""
    n = run.y.size - 1
    rtol = run.real[RTOL]
    relative = run.count[NORM] != RMS_OF_BOTH_ENDS
    y, y_new, largest, atol, error = run.y[:n], run.y_new[:n], run.largest, run.atol, run.error
    for i in range(n):
        old, new = abs(y[i]), abs(y_new[i])
        reference = old if old > new else new
        if relative:
            # A leap far beyond all that was seen is measured by what was seen: a step gone astray fits itself.
            seen = largest[i] if largest[i] > old else old
            most = LEAP * (seen + atol[i] / rtol)
            reference = most if reference > most else reference
            reference = seen if seen > reference else reference
        error[i] /= atol[i] + rtol * reference
    # Four sums side by side: one alone would wait for itself.
    s0, s1, s2, s3 = 0.0, 0.0, 0.0, 0.0
    whole = n // 4 * 4
    for i in range(0, whole, 4):
        s0 += error[i] * error[i]
        s1 += error[i + 1] * error[i + 1]
        s2 += error[i + 2] * error[i + 2]
        s3 += error[i + 3] * error[i + 3]
    for i in range(whole, n):
        s0 += error[i] * error[i]
    norm = np.sqrt(((s0 + s1) + (s2 + s3)) / n)
    if relative:
        for j in range(run.watched.size):
            e = abs(error[run.watched[j]])
            if not e <= norm:
                norm = e
        # One junction among thousands of quiet nets must not go astray unseen.
        share = min(1.0, rtol / ASTRAY)
        above = 0
        for i in range(n):
            above += not share * abs(error[i]) <= norm
        if above > 0:
            for i in range(n):
                e = share * abs(error[i])
                if not e <= norm:
                    norm = e
    if not norm < 1.0:
        worst = 0.0
        for i in range(n):
            if not abs(error[i]) <= worst:
                worst = abs(error[i])
                run.count[WORST] = i
    return norm
