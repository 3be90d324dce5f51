"""What is written reads back as the same circuit."""

import math

import pytest
from netlist_reading import read

from neurosim.circuit.model import Circuit
from neurosim.circuit.reader import read_netlist
from neurosim.circuit.writer import write_netlist
from neurosim.devices import devices
from neurosim.devices.device import Device, Instance
from neurosim.expressions import Expression, to_text


def plain(value):
    """Values that compare: expressions as text, NaN as a word, places left out."""
    if isinstance(value, Expression):
        return to_text(value.node)
    if isinstance(value, float) and math.isnan(value):
        return "nan"
    if isinstance(value, tuple):
        return tuple(plain(item) for item in value)
    if hasattr(value, "items"):
        return {key: plain(item) for key, item in value.items()}
    if hasattr(value, "location"):
        fields = [f for f in type(value).__dataclass_fields__ if f != "location"]
        return tuple(plain(getattr(value, f)) for f in fields)
    return value


COMPARED = (
    "title", "instances", "analyses", "steps", "initial_voltages", "nodeset", "saved", "plotted", "measures",
    "temperature", "nominal_temperature", "dialect",
)  # fmt: skip


def assert_same(one: Circuit, other: Circuit) -> None:
    for name in COMPARED:
        assert plain(getattr(one, name)) == plain(getattr(other, name)), name


CIRCUITS = {
    "hierarchy": ".subckt s p q=3\nR1 p m {q}\nC1 m 0 1u ic={q}\nB1 m 0 I=V(p,m)*q+I(R1)\n.ic v(m)=1\n.ends\nX1 a s\n"
    "X2 a s q=4\nV1 a 0 SIN(0 1 1k)\n.tran 1u 1m uic\n.save v(a) v(x1.m)\n.plot v(x2.m) i(v1)",
    "sources": "V1 a 0 PULSE(0 1 0 1n 1n)\nI1 a 0 PWL(0 0 1 1 2 0) AC 1 90\nV2 b 0 EXP(0 1 1u 1u 2u 3u)\nR1 a b 1\n"
    ".options reltol=1e-5 method=gear tnom=25\n.temp 30\n.nodeset v(a)=0.5\n.ac dec 3 1 100\n.op",
    "controlled": "V1 a 0 1\nR1 a b 1\nE1 c 0 a b 2\nF1 0 d V1 3\nG1 0 d a b 1m\nH1 e 0 R1 5\nR2 d e 1\nR3 c e 1\n"
    "E2 f 0 value={v(a)*time+idt(v(b),1)}\nR4 f 0 {1+v(a)^2}\nC2 f 0 Q={v(f)^3}\nL1 f g 1m\nL2 g 0 2m\nK1 L1 L2 0.5",
    "sweeps": "V1 a 0 1\nR1 a 0 1k\n.dc v1 0 1 0.1 temp list 0 50\n.dc r1 1 2 1\n.step v1 list 1 2\n.temp 20 40",
    "measures": "V1 a 0 1\nR1 a b 1k\nC1 b 0 1u\n.tran 1u 1m\n.meas tran m1 avg v(a)*2 from=1u to=2u\n"
    ".meas tran m2 find v(a) when v(b)=0.5 rise=last\n.meas tran m3 trig v(a) val=1 rise=1 targ at=1u\n"
    ".meas tran m4 param='m1*2-m2'\n.meas tran m5 when v(a)=v(b) td=1u\n.meas tran m6 deriv v(a) at=1u",
    "devices": ".model d1 d(is=1f rs=2)\nD1 a 0 d1 2\nYMEMRISTOR m1 a 0 model=vteam\n"
    "YMEMRISTOR m2 a 0 level=2 r_on=50\n"
    "V1 a 0 1\n.save m1.w",
}


@pytest.mark.parametrize("name", CIRCUITS)
def test_reading_what_was_written(name):
    circuit = read(CIRCUITS[name])
    assert_same(circuit, read_netlist(write_netlist(circuit)))


def test_dialect_is_kept():
    circuit = read("B1 a 0 V=if(v(a)>0,1,2)^2\nR1 a 0 1", dialect="pspice")
    assert_same(circuit, read_netlist(write_netlist(circuit)))


def test_swept_parameters_become_comments():
    text = write_netlist(read("R1 a 0 {w}\n.step param w list 1 2\nV1 a 0 1\n.dc param w 1 2 1"))
    assert text.count("* parameters are replaced") == 2
    assert read_netlist(text).steps == ()


def minimal(device: Device) -> Instance | None:
    """An instance with a value for every parameter that has no default; None for devices made of expressions."""
    if device.specialise is not None:
        return None
    structure, values = device.structure, {}
    for parameter in device.parameters:
        if parameter.default is None and not parameter.optional:
            low, high = max(parameter.minimum, -1.0), min(parameter.maximum, 1.0)
            values[parameter.name] = (low + high) / 2
    given = {key: value for key, value in device.reference.get("instance", {}).items() if not isinstance(value, dict)}
    nets = tuple(f"n{number}" for number in range(len(structure.terminals)))
    controls = tuple(f"i(v{number})" for number in range(len(structure.controls)))
    return Instance("x1.part", device.name, nets, {**values, **given}, controls=controls)


@pytest.mark.parametrize("name", devices.names())
def test_every_device_can_be_written(name):
    instance = minimal(devices.get(name))
    if instance is None:
        # Their structure follows from the instance, so they are covered by cards.
        assert any(i.device == name for text in CIRCUITS.values() for i in read(text).instances)
        return
    sources = tuple(Instance(f"v{k}", "voltage_source", (f"s{k}", "0")) for k in range(len(instance.controls)))
    circuit = Circuit("title", (*sources, instance))
    assert_same(circuit, read_netlist(write_netlist(circuit)))
