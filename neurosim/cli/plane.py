"""Options of commands that show a plane of a state space."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Annotated

import typer

from neurosim.errors import ParameterError

Plane = Annotated[str | None, typer.Option(metavar="A,B", help="Two states; default the first two.")]
Extent = Annotated[
    list[str] | None, typer.Option(metavar="W | LOW..HIGH", help="Half width, or the range of each axis (twice).")
]
Centre = Annotated[
    list[str] | None, typer.Option(metavar="NAME=VALUE", help="Value of another state; default its start.")
]
"""What the commands that show a plane ask for."""

_COMMA = re.compile(r",(?![^(\[]*[)\]])")
"""A comma that is not inside brackets."""


def plane_from(text: str | None) -> tuple[str, str] | None:
    """Two addresses from ``a,b``.

    Raises
    ------
    ParameterError
    """
    if text is None:
        return None
    names = [name.strip() for name in _COMMA.split(text)]
    if len(names) != 2 or not all(names):
        raise ParameterError(f"--plane {text!r} must be two addresses, as in x[0],x[2] or v(a),i(l1)")
    return names[0], names[1]


def extent_from(texts: Sequence[str]) -> float | list[list[float]] | None:
    """A half width from ``3``, or two ranges from ``-3..3`` and ``-1..5``.

    Raises
    ------
    ParameterError
    """
    if not texts:
        return None
    if len(texts) == 1 and ".." not in texts[0]:
        return number_from(texts[0], "--extent")
    ranges = [text.partition("..") for text in texts]
    if len(texts) != 2 or not all(separator for _, separator, _ in ranges):
        raise ParameterError(
            "--extent must be one half width (--extent 3) or two ranges (--extent=-3..3 --extent=-1..5), not "
            + " ".join(texts)
        )
    return [[number_from(end, "--extent") for end in (low, high)] for low, _, high in ranges]


def centre_from(texts: Sequence[str]) -> dict[str, float] | None:
    """Values of unknowns from ``name=value``.

    Raises
    ------
    ParameterError
    """
    found = {}
    for text in texts:
        name, separator, value = text.partition("=")
        if not (name and separator):
            raise ParameterError(f"--centre {text!r} must look like x[1]=0.5")
        found[name] = number_from(value, "--centre")
    return found or None


def number_from(text: str, option: str) -> float:
    """A number with an SI suffix.

    Raises
    ------
    ParameterError
    """
    from neurosim.units import parse_number

    number = parse_number(text.strip())
    if number is None:
        raise ParameterError(f"{option}: '{text}' is not a number")
    return number
