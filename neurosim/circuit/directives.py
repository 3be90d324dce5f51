"""Cards of the whole circuit: analyses, sweeps, options, temperature, and what is saved and plotted."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from neurosim.circuit.addresses import Addresses
from neurosim.circuit.cards import CardReader
from neurosim.circuit.lexer import Card
from neurosim.circuit.measures import read_measure
from neurosim.circuit.model import (
    ACAnalysis,
    Analysis,
    Circuit,
    DCSweep,
    Measure,
    OperatingPoint,
    Sweep,
    TransientAnalysis,
)
from neurosim.circuit.parser import MAX_ERRORS, Assignment, Deck, combined
from neurosim.circuit.scopes import Scope, Session
from neurosim.circuit.sensing import insert_ammeters
from neurosim.circuit.sweeps import SPACINGS, PointBudget, evenly, logarithmic, read_values
from neurosim.devices import devices
from neurosim.errors import NetlistError, nearest
from neurosim.expressions import PARTS_OF_COMPLEX
from neurosim.units import parse_number

FORMS = {
    ".op": ".op",
    ".tran": ".tran <step> <stop> [<start> [<largest step>]] [uic]",
    ".ac": ".ac dec|oct|lin <points> <first frequency> <last frequency>",
    ".dc": ".dc <source|param <name>|temp> <start> <stop> <step> [<second> ...]",
    ".step": ".step [dec|oct] <source|param <name>|temp> <start> <stop> <step> | list <values>",
    ".temp": ".temp <degrees Celsius>",
    ".options": ".options <name>=<value> ...",
}
OPTIONS = frozenset(
    (
        "reltol", "abstol", "vntol", "chgtol", "gmin", "method", "maxord", "itl1", "itl4", "trtol", "temp", "tnom",
        "seed", "rtol", "atol", "dialect",
    )
)  # fmt: skip
"""Options that mean something here; others are kept, with a note."""


@dataclass(slots=True)
class _Found:
    analyses: list[Analysis] = field(default_factory=list)
    steps: list[Sweep] = field(default_factory=list)
    options: dict[str, float | str] = field(default_factory=dict)
    saved: list[str] = field(default_factory=list)
    save_all: bool = False
    plotted: dict[str, list[str]] = field(default_factory=lambda: {".plot": [], ".print": []})
    measures: list[Measure] = field(default_factory=list)
    measure_names: set[str] = field(default_factory=set)


class Directives:
    """Reads the directives of a deck."""

    def __init__(self, deck: Deck, session: Session) -> None:
        self.deck, self.session = deck, session
        self.budget = PointBudget(deck.files.limits.points)
        words = dict.fromkeys(card.keyword[1:] for card in deck.directives)
        self.kinds = [word for word in words if word in ("tran", "ac", "dc", "op")]
        """Kinds of analysis that the deck asks for."""

    def swept_parameters(self) -> dict[str, Assignment]:
        """Parameters that ``.step param`` or ``.dc param`` sweeps, with the text of their first value."""
        found: dict[str, Assignment] = {}
        for card in self.deck.directives:
            if card.keyword not in (".step", ".dc"):
                continue
            tokens = card.tokens
            for index, token in enumerate(tokens[:-2]):
                if token.text != "param":
                    continue
                name, first = index + 1, index + 2
                if tokens[name].kind == "(" and index + 4 < len(tokens):
                    name, first = index + 2, index + 4
                if tokens[first].text in SPACINGS:
                    first += 1
                if first < len(tokens) and tokens[name].kind == "word":
                    value = tokens[first]
                    inner = 1 if value.kind in ("expression", "string") else 0
                    at = card.token_location(name)
                    found.setdefault(
                        tokens[name].text,
                        Assignment(tokens[name].text, card, value.start + inner, value.end - inner, at),
                    )
        return found

    def temperature(self, scope: Scope) -> float | None:
        """Temperature of ``.temp`` or ``.options temp=`` (the last one), the first value of several."""
        found = None
        for card in self.deck.directives:
            reader = self.reader(card, scope)
            if card.keyword == ".temp":
                values = reader.numbers()
                found = values[0] if values else found
            elif card.keyword in (".options", ".option", ".opt"):
                found = self._option_of(card, "temp", scope, found)
        return found

    def nominal_temperature(self, scope: Scope) -> float | None:
        """Temperature of ``.options tnom=`` (the last one)."""
        found = None
        for card in self.deck.directives:
            if card.keyword in (".options", ".option", ".opt"):
                found = self._option_of(card, "tnom", scope, found)
        return found

    def _option_of(self, card: Card, name: str, scope: Scope, found: float | None) -> float | None:
        reader = self.reader(card, scope)
        for index, token in enumerate(card.tokens):
            if token.text == name and index + 2 < len(card.tokens) and card.tokens[index + 1].kind == "=":
                reader.position = index + 2
                found = reader.number()
        return found

    def reader(self, card: Card, scope: Scope) -> CardReader:
        """A cursor behind the keyword."""
        return CardReader(card, 1, scope, card.keyword)

    def read(self, circuit: Circuit, scope: Scope, conditions: Mapping[str, Card]) -> Circuit:
        """The circuit with everything that its directives say.

        Raises
        ------
        NetlistError
            For a card that is not understood.
        """
        self.circuit = circuit
        self.addresses = Addresses(circuit)
        found = _Found()
        readers: dict[str, Callable[[CardReader, _Found], None]] = {
            ".op": self.operating_point,
            ".tran": self.transient,
            ".ac": self.ac,
            ".dc": self.dc,
            ".step": self.step,
            ".temp": self.temperatures,
            ".options": self.options,
            ".option": self.options,
            ".opt": self.options,
            ".measure": self.measure,
            ".meas": self.measure,
        }
        self.addresses.check_conditions(conditions)
        errors: list[NetlistError] = []
        for card in self.deck.directives:
            reader = self.reader(card, scope)
            try:
                readers.get(card.keyword, self.save)(reader, found)
            except NetlistError as error:
                errors.append(error)
                if len(errors) >= MAX_ERRORS:
                    break
        if errors:
            raise combined(errors)
        nominal = found.options.get("tnom", circuit.nominal_temperature)
        if isinstance(nominal, str):
            raise NetlistError(f"option tnom = '{nominal}' is not a number")
        circuit = self.with_ammeters(circuit)
        plotted = found.plotted[".plot"] or found.plotted[".print"]
        return replace(
            circuit,
            analyses=tuple(found.analyses),
            steps=tuple(found.steps),
            options=found.options,
            saved=() if found.save_all else tuple(dict.fromkeys(found.saved)),
            plotted=tuple(dict.fromkeys(plotted)),
            measures=tuple(found.measures),
            nominal_temperature=nominal,
        )

    def with_ammeters(self, circuit: Circuit) -> Circuit:
        """The circuit with ammeters for the currents that are saved or measured."""
        if not self.addresses.sensed:
            return circuit
        instances = list(circuit.instances)
        insert_ammeters(instances, self.addresses.sensed)
        return circuit.with_instances(tuple(instances))

    def operating_point(self, reader: CardReader, found: _Found) -> None:
        """``.op``"""
        reader.end(FORMS[".op"])
        found.analyses.append(OperatingPoint(reader.location))

    def transient(self, reader: CardReader, found: _Found) -> None:
        """``.tran step stop [start [max]] [uic]``; LTspice's ``.tran stop``; ``skipbp`` is PSpice's ``uic``."""
        form = FORMS[".tran"]
        numbers = []
        while reader.is_number() and len(numbers) < 4:
            numbers.append(reader.number())
        uic = reader.accept("uic", "skipbp")
        if reader.peek() in ("startup", "steady", "nodiscard", "step"):
            raise reader.error(f"'{reader.word()}' of .tran is not supported", expected=form)
        reader.end(form)
        if not numbers:
            raise reader.error(".tran without a stop time", expected=form)
        step, stop, start, largest = 0.0, numbers[0], 0.0, None
        if len(numbers) > 1:
            step, stop = numbers[:2]
        if len(numbers) > 2:
            start = numbers[2]
        if len(numbers) > 3 and numbers[3] != 0.0:
            largest = numbers[3]
        if stop <= 0.0:
            raise reader.error(f".tran stops at {stop:g} s", expected=form)
        if step < 0.0 or (largest is not None and largest < 0.0):
            raise reader.error(".tran with a negative step", expected=form)
        if not 0.0 <= start < stop:
            raise reader.error(f".tran saves from {start:g} s, which is not in [0, {stop:g}) s", expected=form)
        if step == 0.0:
            # LTspice leaves the step to the simulator; SPICE3 never steps further than a fiftieth of the span.
            step = (stop - start) / 50.0
        found.analyses.append(TransientAnalysis(step, stop, start, largest, uic, reader.location))

    def ac(self, reader: CardReader, found: _Found) -> None:
        """``.ac dec|oct|lin points first last`` and ``.ac list f1 f2 ...``."""
        form, first = FORMS[".ac"], reader.position
        spacing = reader.peek()
        if spacing not in SPACINGS:
            reader.take("dec, oct or lin")
            raise reader.error(f"'{spacing}' where dec, oct or lin should stand", expected=form)
        reader.position += 1
        try:
            frequencies = self.frequencies(reader, spacing)
        except NetlistError as error:
            milli = reader.milli_numbers(first, reader.position)
            if not milli or error.hint:
                raise
            hint = f"'{milli[0][1]}' is {parse_number(milli[0][1]):g} Hz: M is milli; did you mean Meg?"
            raise NetlistError(error.message, error.location, hint=hint, expected=form) from None
        reader.end(form)
        reader.warn_of_milli(first, reader.position, "hertz")
        if min(frequencies) < 0.0:
            raise reader.error(f"a frequency of {min(frequencies):g} Hz", expected=form)
        found.analyses.append(ACAnalysis(frequencies, reader.location))

    def frequencies(self, reader: CardReader, spacing: str) -> tuple[float, ...]:
        """Frequencies of an AC analysis [Hz]."""
        if spacing == "list":
            return read_values(reader, self.budget, "list")
        points, start, stop = reader.number(), reader.number(), reader.number()
        if spacing == "lin":
            return evenly(reader, self.budget, start, stop, points)
        return logarithmic(reader, self.budget, start, stop, points, 10.0 if spacing == "dec" else 2.0)

    def dc(self, reader: CardReader, found: _Found) -> None:
        """``.dc``: one sweep or two, the first the inner one."""
        sweeps = []
        while not reader.at_end() or not sweeps:
            sweeps.append(self.sweep(reader, FORMS[".dc"]))
            if len(sweeps) > 8:
                raise reader.error("more than 8 nested sweeps", expected=FORMS[".dc"])
        total = 1.0
        for sweep in sweeps:
            total *= len(sweep.values)
        if len(sweeps) > 1:
            self.budget.take(reader, total)
        found.analyses.append(DCSweep(tuple(sweeps), reader.location))

    def step(self, reader: CardReader, found: _Found) -> None:
        """``.step``."""
        found.steps.append(self.sweep(reader, FORMS[".step"]))
        reader.end(FORMS[".step"])
        total = 1.0
        for sweep in found.steps:
            total *= len(sweep.values)
        if total > self.budget.limit:
            raise reader.error(f"all .step cards together give {total:.6g} runs; at most {self.budget.limit}")

    def sweep(self, reader: CardReader, form: str) -> Sweep:
        """One swept quantity and its values."""
        location = reader.card.token_location(min(reader.position, len(reader.card.tokens)))
        spacing = reader.word() if reader.peek() in SPACINGS else ""
        named = reader.accept("param")
        opened = named and reader.accept("(")
        token = reader.take("the name of what is swept")
        if token.kind != "word" or token.text in ("npn", "pnp", "nmos", "pmos", "file"):
            raise reader.error(f"a sweep of '{token.raw[:40]}' is not supported", expected=form)
        if opened:
            reader.expect(")")
        kind, name = ("parameter", token.text) if named else self.swept(reader, token.text, form)
        if reader.peek() in SPACINGS and not spacing:
            spacing = reader.word()
        values = read_values(reader, self.budget, spacing or "lin")
        if kind == "source":
            return Sweep("source", name, values, location)
        if kind == "device":
            return Sweep("device", name, values, location)
        return Sweep("temperature" if kind == "temperature" else "parameter", name, values, location)

    def swept(self, reader: CardReader, name: str, form: str) -> tuple[str, str]:
        """Kind and name of a swept quantity that is not marked as a parameter."""
        if name == "temp":
            return "temperature", "temp"
        instance = self.addresses.parts.get(name)
        if instance is not None:
            device = devices.get(instance.device)
            if device.netlist is not None and device.netlist.letter in ("V", "I"):
                return "source", name
            value = device.netlist.positional[:1] if device.netlist is not None else ()
            if not value or value[0] not in instance.values:
                raise reader.error(f"'{name}' has no value that could be swept", expected=form)
            return "device", f"{name}.{value[0]}"
        if "." in name:
            part, _, parameter = name.rpartition(".")
            if part in self.addresses.parts:
                device = devices.get(self.addresses.parts[part].device)
                known = [p.name for p in device.parameters]
                if parameter in known:
                    return "device", name
                raise reader.error(f"'{part}' has no parameter '{parameter}'", hint=nearest(parameter, known))
        if name in self.circuit.parameters:
            return "parameter", name
        known = [*self.addresses.parts, *self.circuit.parameters, "temp"]
        raise reader.error(f"there is no source or parameter '{name}'", hint=nearest(name, known), expected=form)

    def temperatures(self, reader: CardReader, found: _Found) -> None:
        """``.temp``: one temperature, or several, each with its own run."""
        location, values = reader.location, reader.numbers()
        reader.end(FORMS[".temp"])
        if not values:
            raise reader.error(".temp without a temperature", expected=FORMS[".temp"])
        self.check_temperature(reader, min(values))
        if len(values) > 1:
            self.budget.take(reader, len(values))
            found.steps.append(Sweep("temperature", "temp", tuple(values), location))

    def check_temperature(self, reader: CardReader, value: float) -> None:
        """Refuse temperatures below absolute zero."""
        if value <= -273.15:
            raise reader.error(f"{value:g} degrees Celsius is not above absolute zero")

    def options(self, reader: CardReader, found: _Found) -> None:
        """``.options name=value flag ...``."""
        while not reader.at_end():
            if reader.accept(","):
                continue
            key = reader.key()
            if key is None:
                token = reader.take("an option")
                if token.kind != "word":
                    raise reader.error(f"'{token.raw[:40]}' where an option should stand", expected=FORMS[".options"])
                key, value, hint = token.text, 1.0, ""
                if key in OPTIONS:
                    raise reader.error(f"option '{key}' without a value", expected=FORMS[".options"])
            else:
                value = reader.number() if reader.is_number() else reader.word()
                hint = "" if key in OPTIONS else nearest(key, OPTIONS)
            if key not in OPTIONS:
                reader.note(f"option '{key}' has no effect here", hint)
            if key in ("temp", "tnom"):
                if isinstance(value, str):
                    raise reader.error(f"option {key} = '{value}' is not a number")
                self.check_temperature(reader, value)
            found.options[key] = value

    def save(self, reader: CardReader, found: _Found) -> None:
        """``.save``, ``.print``, ``.plot``, ``.probe``."""
        keyword, analysis = reader.card.keyword, ""
        if reader.peek() in ("tran", "ac", "dc", "op"):
            analysis = reader.word()
        elif reader.peek() in ("noise", "disto"):
            raise reader.error(f"there is no '{reader.word()}' analysis")
        while not reader.at_end():
            if reader.accept(","):
                continue
            if reader.accept("all"):
                found.save_all = True
                continue
            address = self.addresses.read(reader)
            kind, _, rest = address.partition("(")
            is_part = kind in PARTS_OF_COMPLEX
            if is_part and (analysis not in ("", "ac") or "ac" not in self.kinds):
                why = f"this card is for .{analysis}" if analysis not in ("", "ac") else "this netlist has none"
                raise reader.error(
                    f"'{address}' exists in an AC analysis only, and {why}", hint=f"save {kind[0]}({rest}"
                )
            found.saved.append(address)
            if keyword in found.plotted:
                # A Bode plot shows magnitude and phase of the complex value.
                found.plotted[keyword].append(f"{kind[0]}({rest}" if is_part else address)

    def measure(self, reader: CardReader, found: _Found) -> None:
        """``.measure``."""
        measure = read_measure(reader, self.addresses, self.kinds, found.measure_names)
        found.measure_names.add(measure.name)
        found.measures.append(measure)
