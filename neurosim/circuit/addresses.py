"""What can be saved, plotted and measured: ``v(net)``, ``v(a,b)``, ``i(part)``, ``part.state``."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property

from neurosim.circuit.cards import CardReader
from neurosim.circuit.lexer import Card
from neurosim.circuit.model import Circuit
from neurosim.circuit.parser import ground
from neurosim.circuit.sensing import has_branch_current, structure_of
from neurosim.devices.device import Instance
from neurosim.errors import Location, NetlistError, nearest
from neurosim.expressions import PARTS_OF_COMPLEX, Expression

FORM = "v(<net>), v(<net>,<net>), i(<part>) or <part>.<state>; in AC also vm, vdb, vp, vr, vi, im, idb, ip, ir, ii"


class Addresses:
    """The names of a circuit, for reading and checking addresses."""

    def __init__(self, circuit: Circuit) -> None:
        self.circuit = circuit
        self.sensed: dict[str, Location] = {}
        """Parts without an unknown current whose current was asked for, with the place."""

    @cached_property
    def parts(self) -> dict[str, Instance]:
        """Instances by name."""
        return {instance.name: instance for instance in self.circuit.instances}

    @cached_property
    def nets(self) -> frozenset[str]:
        """All nets but ground."""
        return frozenset(self.circuit.nets)

    def net(self, reader: CardReader, name: str) -> str:
        """The net called `name`; LTspice's ``x1:n`` is ``x1.n``.

        Raises
        ------
        NetlistError
            If there is none.
        """
        name = ground(name)
        if name == "0" or name in self.nets:
            return name
        if name.replace(":", ".") in self.nets:
            return name.replace(":", ".")
        raise reader.error(f"there is no net '{name}'", hint=nearest(name, self.nets))

    def part(self, reader: CardReader, name: str) -> str:
        """The part called `name`, whose current is asked for."""
        name = name if name in self.parts else name.replace(":", ".")
        if name not in self.parts:
            raise reader.error(f"there is no part '{name}'", hint=nearest(name, self.parts))
        if name not in self.sensed and not has_branch_current(self.parts[name]):
            self.sensed[name] = reader.card.token_location(reader.position - 1)
        return name

    def read(self, reader: CardReader) -> str:
        """Consume one address and return its normal form.

        Raises
        ------
        NetlistError
            For an unknown name, or something that cannot be saved.
        """
        token = reader.take("an address")
        word = token.text
        if token.kind != "word":
            hint = "give the sum a net of its own, with a B source, or use .measure" if token.kind != "string" else ""
            raise reader.error("an expression cannot be saved", hint=hint, expected=FORM)
        if word.startswith("@"):
            raise reader.error(
                f"'{token.raw[:40]}' is not supported",
                hint="save i(<part>) for a current, <part>.<state> for a state",
                expected=FORM,
            )
        if reader.peek() == "(":
            reader.position += 1
            return self.function(reader, word)
        if word in self.nets:
            return f"v({word})"
        return self.state(reader, word)

    def function(self, reader: CardReader, word: str) -> str:
        """What follows ``v(`` or ``i(``, or one of `PARTS_OF_COMPLEX`."""
        if word in PARTS_OF_COMPLEX:
            return word + self.function(reader, word[0])[1:]
        if word == "i":
            name = self.part(reader, reader.word())
            reader.expect(")")
            return f"i({name})"
        if word != "v":
            raise reader.error(f"'{word}(' cannot be saved", expected=FORM, back=2)
        plus = self.net(reader, reader.word())
        minus = "0"
        if reader.accept(","):
            minus = self.net(reader, reader.word())
        reader.expect(")")
        if plus == "0":
            if minus == "0":
                raise reader.error("v(0) is always 0", expected=FORM)
            return f"v(0,{minus})"
        return f"v({plus})" if minus == "0" else f"v({plus},{minus})"

    def state(self, reader: CardReader, word: str) -> str:
        """``part.state``."""
        part, _, name = word.rpartition(".")
        if part not in self.parts:
            known = [*self.nets, *self.parts]
            raise reader.error(f"there is no net or state '{word}'", hint=nearest(word, known), expected=FORM)
        structure = structure_of(self.parts[part])
        known = [state.name for state in structure.states] + [internal.name for internal in structure.internals]
        if name not in known:
            raise reader.error(f"'{part}' has no state '{name}'", hint=nearest(name, known), expected=FORM)
        return word

    def check_expression(self, reader: CardReader, expression: Expression) -> None:
        """Require that all nets and parts of an expression exist."""
        for reference in expression.references:
            for arg in reference.args:
                if reference.kind[0] == "v":
                    self.net(reader, arg)
                else:
                    self.part(reader, arg)

    def check_conditions(self, cards: Mapping[str, Card]) -> None:
        """Require that the nets of ``.ic`` and ``.nodeset`` exist; `cards` tells where each was given.

        Raises
        ------
        NetlistError
            For the first that does not.
        """
        for net in (*self.circuit.initial_voltages, *self.circuit.nodeset):
            if net not in self.nets:
                what = "ground, which is always 0 V" if net == "0" else f"net '{net}', which does not exist"
                hint = nearest(net, self.nets) if net != "0" else ""
                where = cards[net].location(0, len(cards[net].keyword))
                raise NetlistError(f"an initial value is given to {what}", where, hint=hint)
