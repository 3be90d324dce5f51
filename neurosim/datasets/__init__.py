"""Time series to learn from: generated ones, and recorded ones that other packages bring.

>>> import neurosim as ns
>>> series = ns.datasets.mackey_glass(3000)
>>> laser = ns.datasets.santa_fe_laser()

The recorded ones need ``pip install "neurosim-circuits[data]"``; each names its package where it is missing.
"""

from neurosim.datasets.generated import henon, lorenz, mackey_glass, narma, sines
from neurosim.datasets.recorded import Utterances, el_nino, japanese_vowels, santa_fe_laser, sunspots

__all__ = [
    "Utterances",
    "el_nino",
    "henon",
    "japanese_vowels",
    "lorenz",
    "mackey_glass",
    "narma",
    "santa_fe_laser",
    "sines",
    "sunspots",
]
