"""Cards of a subcircuit, read once and put in place for each instance."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from neurosim.circuit.handed import Guard, holds, plain
from neurosim.circuit.scopes import END, MARKED, NET, Recorder, Scope, rename
from neurosim.devices.device import Instance
from neurosim.errors import Location, NetlistError
from neurosim.expressions import Expression
from neurosim.expressions.tree import Reference

_LARGEST_TABLE = 512
"""Parameter combinations of one card that are kept."""


class LocalNames:
    """Marked names that the instances of one subcircuit asked for, so that the next ones get them all at once.

    Parameters
    ----------
    ports : sequence of str
        Local names of the ports.

    Attributes
    ----------
    ports : tuple of str
        Marked.
    constants : dict of str to str
        Names without a mark, which mean the same everywhere.
    inner : dict of str to str
        Marked name to local name.
    wrapped : dict of str to (str, str, str)
        Text around one marked name, as ``v(...)``: what stands before it, the name, what stands behind it.
    """

    def __init__(self, ports: Sequence[str]) -> None:
        self.ports = tuple(f"{NET}{port}{END}" for port in ports)
        self.constants: dict[str, str] = {}
        self.inner: dict[str, str] = {}
        self.wrapped: dict[str, tuple[str, str, str]] = {}


class Names(dict[str, str]):
    """Marked names (see `neurosim.circuit.scopes.NET`) to full names, for one instance of a subcircuit.

    Parameters
    ----------
    prefix : str
        ``"x1."``, or ``""`` at the top.
    local : LocalNames
        Of the subcircuit.
    nets : sequence of str
        What the ports are connected to, full names.
    """

    def __init__(self, prefix: str, local: LocalNames, nets: Sequence[str]) -> None:
        super().__init__(local.constants)
        self.update(zip(local.inner, [prefix + name for name in local.inner.values()]))
        self.update(zip(local.ports, nets))
        for marked, (before, name, behind) in local.wrapped.items():
            self[marked] = before + self[name] + behind
        self.prefix, self.local = prefix, local

    def __missing__(self, marked: str) -> str:
        if END not in marked:
            full = self.local.constants[marked] = marked
        elif marked.count(END) == 1 and marked[0] < " " and marked[-1] == END:
            self.local.inner[marked] = marked[1:-1]
            full = self.prefix + marked[1:-1]
        else:
            full = self.in_text(marked)
            names = list(MARKED.finditer(marked))
            if len(names) == 1:
                start, end = names[0].span()
                self.local.wrapped[marked] = marked[:start], marked[start:end], marked[end:]
        self[marked] = full
        return full

    def in_text(self, text: str) -> str:
        """Text with all marked names in place."""
        return MARKED.sub(lambda match: self[match.group()], text)


class PlacedExpression(Expression):
    """An expression that many instances of a subcircuit share, seen from one of them.

    Attributes
    ----------
    shared : Expression
        The same object for all instances with the same parameter values; its references stand in the order of
        `references`, with names that mean nothing outside.
    """

    shared: Expression
    _names: Names

    def __init__(self, shared: Expression, names: Names) -> None:
        self.__dict__.update(shared.__dict__)
        del self.__dict__["node"]
        self.__dict__["shared"] = shared
        self.__dict__["_names"] = names

    @cached_property
    def node(self) -> Any:  # pyright: ignore[reportIncompatibleVariableOverride]
        """The tree with full names."""
        return rename(self.shared, self._placed).node

    @property
    def references(self) -> tuple[Reference, ...]:
        """References with full names, in the order of those of `shared`."""
        return tuple(self._placed(reference) for reference in self.shared.references)

    def _placed(self, reference: Reference) -> Reference:
        return Reference(reference.kind, tuple(self._names[arg] for arg in reference.args), reference.at)

    def changed(self, change: Callable[[Reference], Reference]) -> PlacedExpression:
        """The expression with ``change(reference)`` in the place of each reference (full names in and out)."""

        def changed(reference: Reference) -> Reference:
            full = self._placed(reference)
            new = change(full)
            # Two unchanged ones may be one net here, and must stay two as in `Instance.controls`.
            return reference if new is full else new

        return PlacedExpression(rename(self.shared, changed), self._names)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Expression):
            return NotImplemented
        return self.dialect == other.dialect and self.node == other.node

    def __hash__(self) -> int:
        return hash((self.node, self.dialect))


@dataclass(frozen=True, slots=True)
class Template:
    """What a card gives: instances, or conditions (``"ic"`` or ``"nodeset"``, net, value), with marked names.

    `passed` has, for each instance, the values that are a parameter's value as it is: key and name of the parameter.
    `guards` has what was asked of such parameters on the way, and what came out.
    """

    instances: tuple[Instance, ...] = ()
    conditions: tuple[tuple[str, str, float], ...] = ()
    passed: tuple[tuple[tuple[str, str], ...], ...] = ()
    guards: tuple[tuple[str, tuple[Guard, ...]], ...] = ()

    def unlike(self, values: Mapping[str, float]) -> list[str]:
        """Parameters of which other things hold than when the card was read."""
        return [name for name, guards in self.guards if (value := values.get(name)) is None or not holds(guards, value)]


class Templates:
    """Templates of all cards, by the values of the parameters that each card uses."""

    def __init__(self) -> None:
        self._cards: dict[object, tuple[tuple[str, ...], dict[tuple[float | None, ...], Template]]] = {}

    def get(self, card: object, scope: Scope, names: Names, read: Callable[[Any, Scope], Template]) -> Template:
        """The template of `card` for the parameters of `scope`, made by `read` where it is not known.

        Raises
        ------
        NetlistError
            What `read` raises, with full names.
        """
        used, table = self._cards.get(card, ((), {}))
        values = scope.values
        unlike: list[str] = []
        if table:
            found = table.get(tuple([values.get(name) for name in used]))
            if found is not None:
                unlike = found.unlike(values) if found.guards else []
                if not unlike:
                    return found
        recording = scope.recording()
        try:
            found = read(card, recording)
        except NetlistError as error:
            where = error.location
            raise NetlistError(
                names.in_text(error.message),
                replace(where, instance=scope.instance) if where is not None else None,
                hint=names.in_text(error.hint),
                expected=names.in_text(error.expected),
            ) from None
        if recording.outer_values_used:
            return found
        recorder = recording.values
        if not isinstance(recorder, Recorder):
            raise TypeError(recorder)
        recorder.asked.update(unlike)
        found = _with_passed(found, recorder)
        asked = recorder.asked
        if not asked <= set(used) or len(table) >= _LARGEST_TABLE:
            used, table = tuple(sorted({*used, *asked})), {}
            self._cards[card] = used, table
        table[tuple([values.get(name) for name in used])] = found
        if card not in self._cards:
            self._cards[card] = used, table
        return found


def _with_passed(template: Template, recorder: Recorder) -> Template:
    """Find the values that only were handed through; every other parameter that was read counts as used."""
    names = {id(value): name for name, value in recorder.handed.items() if name not in recorder.asked}
    passed = tuple(
        tuple((key, names[id(value)]) for key, value in instance.values.items() if id(value) in names)
        for instance in template.instances
    )
    only_passed = {name for pairs in passed for _, name in pairs}
    recorder.asked |= set(recorder.handed) - only_passed
    instances = template.instances
    if recorder.handed:
        instances = tuple(
            replace(
                instance,
                values={key: plain(value) for key, value in instance.values.items()},
                table=tuple(plain(value) for value in instance.table),
            )
            for instance in instances
        )
    guards = tuple((name, tuple(recorder.handed[name].guards)) for name in sorted(only_passed))
    return Template(instances, template.conditions, passed if any(passed) else (), guards)


def placed(template: Template, names: Names, scope: Scope) -> Iterator[Instance]:
    """The instances of a template in the subcircuit instance of `scope`."""
    for number, instance in enumerate(template.instances):
        values = instance.values
        if template.passed and template.passed[number]:
            values = {**values, **{key: scope.values[name] for key, name in template.passed[number]}}
        yield _place(instance, values, names, scope.instance)


def _place(instance: Instance, values: Mapping[str, float], names: Names, path: str) -> Instance:
    at = instance.location
    if at is not None:
        at = Location(at.path, at.line, at.column, at.text, at.length, path)
    expressions: Mapping[str, Expression] = instance.expressions
    if expressions:
        expressions = {role: PlacedExpression(expression, names) for role, expression in expressions.items()}
    return Instance(
        names[instance.name],
        instance.device,
        tuple(map(names.__getitem__, instance.nets)),
        values,
        expressions,
        tuple(map(names.__getitem__, instance.controls)),
        instance.table,
        at,
    )
