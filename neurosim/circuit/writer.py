"""A flat circuit as netlist text: every part on a card of its own, with full names and SI values."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from neurosim.circuit.model import (
    ACAnalysis,
    Analysis,
    Circuit,
    Measure,
    OperatingPoint,
    Sweep,
    TransientAnalysis,
)
from neurosim.devices.device import Instance
from neurosim.expressions import Expression, to_text

_WIDTH = 110
_LONGEST = 10_000_000


def write_netlist(circuit: Circuit) -> str:
    """Write a circuit so that `read_netlist` gives the same parts, analyses and settings again.

    Parameters
    ----------
    circuit : Circuit

    Returns
    -------
    str
        Parameters are replaced by their values, so sweeps of parameters stand in comments.

    Notes
    -----
    Cards have the form of `neurosim.circuit.native_card`.
    """
    lines = [circuit.title or "(no title)", f".options dialect={circuit.dialect}"]
    lines += [_instance(instance) for instance in circuit.instances]
    for keyword, values in ((".ic", circuit.initial_voltages), (".nodeset", circuit.nodeset)):
        lines += [f"{keyword} v({net})={value!r}" for net, value in values.items()]
    lines += [f".options {key}={value if isinstance(value, str) else repr(value)}" for key, value in _options(circuit)]
    if circuit.temperature != 27.0:
        lines.append(f".temp {circuit.temperature!r}")
    lines += [_analysis(analysis) for analysis in circuit.analyses]
    lines += [_sweep_card(".step", (step,)) for step in circuit.steps]
    if circuit.saved:
        others = [address for address in circuit.saved if address not in circuit.plotted]
        lines += [f".save {address}" for address in others]
    lines += [f".plot {address}" for address in circuit.plotted]
    lines += [_measure(measure) for measure in circuit.measures]
    return "\n".join([piece for line in lines for piece in _wrapped(line)] + [".end", ""])


def _options(circuit: Circuit) -> Iterator[tuple[str, float | str]]:
    for key, value in circuit.options.items():
        if key not in ("dialect", "temp"):
            yield key, value


def _instance(instance: Instance) -> str:
    words = [f"Y{instance.device}", instance.name, *instance.nets]
    words += [f"{key}={value!r}" for key, value in instance.values.items()]
    words += [f"{role}={{{_text(expression)}}}" for role, expression in instance.expressions.items()]
    if instance.controls and not instance.expressions:
        words.append(f"controls=( {' '.join(instance.controls)} )")
    if instance.table:
        words.append(f"table=( {' '.join(map(repr, instance.table))} )")
    return " ".join(words)


def _text(expression: Expression) -> str:
    return to_text(expression.node, _LONGEST)


def _analysis(analysis: Analysis) -> str:
    if isinstance(analysis, OperatingPoint):
        return ".op"
    if isinstance(analysis, TransientAnalysis):
        words = [".tran", repr(analysis.step), repr(analysis.stop), repr(analysis.start)]
        words += [repr(analysis.max_step)] if analysis.max_step is not None else []
        return " ".join(words + (["uic"] if analysis.use_initial_conditions else []))
    if isinstance(analysis, ACAnalysis):
        return f".ac list {_numbers(analysis.frequencies)}"
    return _sweep_card(".dc", analysis.sweeps)


def _sweep_card(keyword: str, sweeps: Sequence[Sweep]) -> str:
    text = " ".join(
        [keyword, *(f"{'param ' * (s.kind == 'parameter')}{s.name} list {_numbers(s.values)}" for s in sweeps)]
    )
    if any(sweep.kind == "parameter" for sweep in sweeps):
        return f"* parameters are replaced by their values: {text}"
    return text


def _numbers(values: Sequence[float]) -> str:
    return " ".join(map(repr, values))


def _measure(measure: Measure) -> str:
    words = [".measure", measure.analysis, measure.name]
    settings = dict(measure.settings)
    if measure.operation == "trig_targ":
        for word in ("trig", "targ"):
            event = settings.pop(word)
            if isinstance(event, Mapping):
                words += [word, *_event(event)]
        return " ".join(words)
    words.append(measure.operation)
    if measure.expression is not None:
        text = f"'{_text(measure.expression)}'"
        words.append(f"= {text}" if measure.operation == "param" else text)
    elif measure.operation == "when":
        return " ".join(words + _event(settings))
    if "when" in settings:
        words.append("when")
    return " ".join(words + _event(settings))


def _event(settings: Mapping[str, object]) -> list[str]:
    words = []
    for key, value in settings.items():
        if key == "when" and isinstance(value, tuple):
            left, right = value
            words.insert(0, f"'{_text(left)}'='{_text(right)}'")
        else:
            words.append(f"{key}={value}" if isinstance(value, str) else f"{key}={value!r}")
    return words


def _wrapped(line: str) -> Iterator[str]:
    """Break a card into continuation lines at white space."""
    if line.startswith("*"):
        yield line
        return
    start = ""
    while len(line) > _WIDTH:
        cut = line.rfind(" ", 0, _WIDTH)
        cut = cut if cut > 0 else line.find(" ", _WIDTH)
        if cut < 0:
            break
        yield start + line[:cut]
        line, start = line[cut + 1 :], "+ "
    yield start + line
