"""Short ways to read netlists in tests."""

from neurosim.circuit.model import Circuit
from neurosim.circuit.reader import read_netlist
from neurosim.devices.device import Instance
from neurosim.errors import NetlistError


def read(text: str, **options) -> Circuit:
    """Read cards below a title."""
    return read_netlist("title\n" + text + "\n", **options)


def part(text: str, name: str, **options) -> Instance:
    """One part of a netlist."""
    return next(instance for instance in read(text, **options).instances if instance.name == name)


def refusal(text: str, **options) -> NetlistError:
    """The error that a netlist is refused with (line numbers count the title)."""
    try:
        read(text, **options)
    except NetlistError as error:
        return error
    raise AssertionError("the netlist was accepted")
