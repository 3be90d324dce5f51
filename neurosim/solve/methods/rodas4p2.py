"""Steinebach's Rosenbrock-Wanner method Rodas4P2 of order 4(3) on ``M y' = f(t, y)``, M constant and possibly singular.

The form is that of `neurosim.solve.methods.rodas5p` with six stages instead of eight: at loose tolerances, where the
tolerance does not decide how long the steps are, it needs a quarter less work.

Source: G. Steinebach, in Progress in Differential-Algebraic Equations II, Springer (2020) 165,
doi:10.1007/978-3-030-53905-4_6 (recalled); coefficients as in OrdinaryDiffEq.jl (Rodas4P2Tableau).
"""

from __future__ import annotations

from neurosim.devices.device import Reference
from neurosim.kernels.run import ROSENBROCK
from neurosim.solve.methods.method import Method, rosenbrock_tableau

_GAMMA = 0.25
_LAST = [7.089566927282776, 4.573591406461604, -8.423496976860259, -0.959280113459775]
_A = [
    [],
    [3.0],
    [0.906377755268814, -0.189707390391685],
    [3.758617027739064, 1.161741776019525, -0.849258085312803],
    _LAST,
    [*_LAST, 1.0],
]
_COUPLING = [
    [],
    [-12.0],
    [-6.354581592719008, 0.338972550544623],
    [-8.575016317114033, -7.606483992117508, 12.224997650124820],
    [-5.888975457523102, -8.157396617841821, 24.805546872612922, 12.790401512796979],
    [-4.408651676063871, -6.692003137674639, 24.625568527593117, 16.627521966636085, -5.714285714285718],
]
_C = [0.0, 0.75, 0.321448134013046, 0.519745732277726, 1.0, 1.0]
_D = [_GAMMA, -0.5, -0.189532918363016, 0.085612108792769]
_H = [
    [-5.323528268423303, -10.042123754867493, 17.175254928256965, -5.079931171878093, -0.016185991706112, 0.0],
    [6.984505741529879, 6.914061169603662, -0.849178943070653, 18.104410789349338, -3.516963011559032, 0.0],
]

method = Method(
    name="rodas4p2",
    class_name="Rodas4P2",
    kind=ROSENBROCK,
    order=4,
    error_order=3,
    degree=4,
    interpolant_order=3,
    summary="Rosenbrock-Wanner 4(3): as Rodas5P, cheaper at loose tolerances",
    stability="L-stable",
    source=Reference("G. Steinebach, in Progress in DAEs II, Springer (2020) 165", "10.1007/978-3-030-53905-4_6"),
    tableau=rosenbrock_tableau(_A, _COUPLING, _C, _D, _GAMMA, _H),
    factor_max=6.0,
)
