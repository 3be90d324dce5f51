"""Options that several commands share, and reading a netlist as they ask for."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from neurosim import registry

if TYPE_CHECKING:
    from neurosim.circuit.model import Circuit


def _leave_plugins_out(wanted: bool) -> None:
    if wanted:
        registry.plugins_enabled = False


Netlist = Annotated[Path, typer.Argument(metavar="FILE", help="A SPICE netlist.")]
DialectOption = Annotated[
    str | None, typer.Option("--dialect", metavar="D", help="ngspice, ltspice or pspice; default: guessed.")
]
AllowInclude = Annotated[
    bool, typer.Option("--allow-include", help="Let .include and .lib leave the netlist's folder.")
]
Parameters = Annotated[
    list[str] | None, typer.Option("--param", metavar="NAME=VALUE", help="Set a .param, as rload=10k; repeatable.")
]
Temperature = Annotated[float | None, typer.Option("--temp", metavar="C", help="Temperature in degrees Celsius.")]
NoPlugins = Annotated[
    bool,
    typer.Option("--no-plugins", is_eager=True, callback=_leave_plugins_out, help="Leave other packages' models out."),
]


def read_circuit(
    file: Path, dialect: str | None, allow_include: bool, parameters: list[str] | None = None,
    temperature: float | None = None,
) -> Circuit:  # fmt: skip
    """Read a netlist, with other parameter values and temperature where they are given.

    Raises
    ------
    NetlistError
        The netlist cannot be read.
    ParameterError
        A parameter that it does not have, or a value that is no number.
    """
    from neurosim.circuit.reader import read_netlist
    from neurosim.errors import NetlistError, ParameterError, nearest

    if not file.is_file():
        what = "is a folder" if file.is_dir() else "does not exist"
        near = [path.name for path in file.parent.iterdir()] if file.parent.is_dir() else []
        raise NetlistError(f"'{file}' {what}", hint="" if file.is_dir() else nearest(file.name, near))
    chosen: Any = dialect
    circuit = read_netlist(file, dialect=chosen, allow_include=allow_include)
    values = dict(_assignment(text, circuit) for text in parameters or ())
    if temperature is not None and not -273.15 < temperature < 1e6:
        raise ParameterError(f"--temp {temperature:g}: a temperature in degrees Celsius above -273.15")
    if not values and temperature is None:
        return circuit
    assert circuit.rebuild is not None
    return circuit.rebuild(values, temperature)


def _assignment(text: str, circuit: Circuit) -> tuple[str, float]:
    from neurosim.errors import ParameterError, nearest
    from neurosim.units import parse_number

    name, equals, written = text.partition("=")
    name, value = name.strip().lower(), parse_number(written)
    if not name or not equals:
        raise ParameterError(f"--param '{text}': expected NAME=VALUE, as in --param rload=10k")
    if value is None:
        raise ParameterError(f"--param {name}: '{written}' is not a number; expected one such as 4.7k, 1e-9 or 2n2")
    if name not in circuit.parameters:
        known = nearest(name, circuit.parameters) or "it has no .param at all"
        raise ParameterError(f"--param {name}: the netlist has no .param '{name}'; {known}")
    return name, value
