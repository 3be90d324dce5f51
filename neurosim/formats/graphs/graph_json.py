"""Signal graphs as strict, versioned JSON; every number comes back with the same bits.

One object: ``format``, ``version``, ``name``, ``attributes``, ``clocks``, ``parameters`` (shape and flat values, or
compressed rows of a sparse matrix), ``nodes`` and ``edges`` (objects with the arguments of the methods of `SignalGraph`
that made them; what is left out has its default). A graph inside a graph is an object of the same kind.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from scipy import sparse

from neurosim.architectures import laws
from neurosim.errors import FormatError, NeurosimError, nearest
from neurosim.formats import strict_json
from neurosim.formats.graphs.documents import document_of, graph_of
from neurosim.graph.signal_graph import KINDS, SignalGraph

FORMAT = "neurosim graph"
VERSION = 1
DEEPEST = 20
"""Most graphs inside one another."""

_PARAMETER_KEYS = {"shape", "values", "row_starts", "columns", "trainable", "unit", "mask", "parent", "attributes"}
_EDGE_KEYS = (
    "weight", "role", "slot", "transpose", "gain", "delay", "source_part", "target_part", "plastic",
    "to", "by", "factor", "draw",
)  # fmt: skip
_PAIRS = {"bounds", "limits", "source_part", "target_part"}


def to_document(graph: SignalGraph) -> dict[str, Any]:
    """Plain values that hold a whole graph.

    Raises
    ------
    FormatError
        The graph has a host (a Python procedure) or a law that is not registered; names the node.
    """
    for name in graph.nodes:
        if graph.nodes[name]["kind"] == "host":
            raise FormatError(f"host '{name}' of graph '{graph.title}' is a Python procedure: it cannot be saved")
    return {
        "format": FORMAT,
        "version": VERSION,
        "name": graph.title,
        "attributes": {key: _plain(value, f"attribute '{key}'") for key, value in graph.graph.items() if key != "name"},
        "clocks": {name: {"period": clock.period, "phase": clock.phase} for name, clock in graph.clocks.items()},
        "parameters": {name: _parameter(name, p) for name, p in graph.parameters.items()},
        "nodes": [_node(graph, str(name)) for name in graph.nodes],
        # By targets, so that sums keep the order of their terms.
        "edges": [_edge(str(a), str(b), data) for node in graph for a, b, data in graph.in_edges(node, data=True)],
    }


def write_graph(graph: Any, path: Path) -> None:
    """Write a graph of `neurosim.formats.graphs.documents` as JSON, a line for each node, edge and parameter."""
    document = document_of(graph)
    lines = []
    for key, value in document.items():
        if isinstance(value, list) and value:
            inside = ",\n  ".join(strict_json.dumps(item) for item in value)
            lines.append(f"{strict_json.dumps(key)}: [\n  {inside}\n]")
        elif isinstance(value, dict) and value:
            inside = ",\n  ".join(f"{strict_json.dumps(k)}: {strict_json.dumps(v)}" for k, v in value.items())
            lines.append(f"{strict_json.dumps(key)}: {{\n  {inside}\n}}")
        else:
            lines.append(f"{strict_json.dumps(key)}: {strict_json.dumps(value)}")
    path.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")


def read_graph(path: Path) -> Any:
    """Read a graph.

    Raises
    ------
    FormatError
        Not strict JSON, not of this format and version, an unknown or missing key, or values that make no graph; the
        message says where.
    """
    try:
        return graph_of(strict_json.loads(path.read_text(encoding="utf-8")))
    except UnicodeDecodeError as error:
        raise FormatError(f"{path}: not UTF-8 text at byte {error.start}") from None
    except FormatError as error:
        raise FormatError(f"{path}: {error}") from None


def from_document(document: Any, depth: int = 0) -> SignalGraph:
    """The graph that `to_document` turned into plain values."""
    where = "the document"
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise FormatError(f'{where} is no saved graph: expected an object with "format": "{FORMAT}"')
    if document.get("version") != VERSION:
        raise FormatError(f"version {document.get('version')!r} of the format; this program reads {VERSION}")
    if depth > DEEPEST:
        raise FormatError(f"more than {DEEPEST} graphs inside one another")
    _check_keys(document, ("format", "version", "name", "attributes", "clocks", "parameters", "nodes", "edges"), where)
    graph = SignalGraph(_text(document.get("name", "network"), "name"))
    graph.graph.update(_mapping(document, "attributes"))
    for name, entry in _mapping(document, "clocks").items():
        place = f"clocks '{name}'"
        _check_keys(entry, ("period", "phase"), place)
        _call(place, lambda e=entry, n=name, p=place: graph.clock(
            n, _real(e["period"], p), _real(e.get("phase", 0.0), p)
        ))  # fmt: skip
    for name, entry in _mapping(document, "parameters").items():
        _call(f"parameters '{name}'", lambda e=entry, n=name: _read_parameter(graph, n, e))
    for number, entry in enumerate(_list(document, "nodes")):
        _read_node(graph, number, entry, depth)
    for number, entry in enumerate(_list(document, "edges")):
        place = f"edges[{number}]"
        _check_keys(entry, ("source", "target", *_EDGE_KEYS), place)
        arguments = {k: _value(k, v, place) for k, v in entry.items() if k not in ("source", "target")}
        ends = [_text(entry.get(end), f"{place}, {end}") for end in ("source", "target")]
        _call(place, lambda e=ends, a=arguments: graph.connect(*e, **a))
    return graph


def _plain(value: Any, where: str) -> Any:
    try:
        return strict_json.plain(value)
    except FormatError as error:
        raise FormatError(f"{where}: {error}") from None


def _parameter(name: str, parameter: Any) -> dict[str, Any]:
    value = parameter.value
    made: dict[str, Any] = {"shape": list(value.shape)}
    if hasattr(value, "tocsr"):
        made |= {"row_starts": value.indptr.tolist(), "columns": value.indices.tolist(), "values": value.data.tolist()}
    else:
        made["values"] = value.ravel().tolist()
    if not all(math.isfinite(x) for x in made["values"]):
        raise FormatError(f"parameter '{name}' has values that are not finite")
    if not parameter.trainable:
        made["trainable"] = False
    for key in ("unit", "parent", "attributes"):
        if getattr(parameter, key):
            made[key] = _plain(getattr(parameter, key), f"parameter '{name}', {key}")
    if parameter.mask is not None:
        made["mask"] = parameter.mask.ravel().astype(int).tolist()
    return made


def _read_parameter(graph: SignalGraph, name: str, entry: Any) -> None:
    place = f"parameters '{name}'"
    _check_keys(entry, tuple(_PARAMETER_KEYS), place)
    shape = tuple(_integers(entry["shape"], f"{place}, shape"))
    values = strict_json.numbers(entry["values"])
    if "row_starts" in entry or "columns" in entry:
        starts = np.array(_integers(entry["row_starts"], f"{place}, row_starts"), np.int64)
        columns = np.array(_integers(entry["columns"], f"{place}, columns"), np.int64)
        fits = len(shape) == 2 and starts.size == shape[0] + 1 and columns.size == values.size == starts[-1]
        if not fits or starts[0] != 0 or (np.diff(starts) < 0).any() or (columns >= shape[1]).any():
            raise FormatError("row_starts, columns and values are not the compressed rows of a matrix of this shape")
        value: Any = sparse.csr_matrix((values, columns, starts), shape=shape)
    else:
        if values.ndim != 1 or values.size != math.prod(shape):
            raise FormatError(f"{values.size} values for shape {shape}")
        value = values.reshape(shape)
    mask = None
    if entry.get("mask") is not None:
        mask = np.array(_integers(entry["mask"], f"{place}, mask"), bool).reshape(shape)
    trainable = entry.get("trainable", True)
    if not isinstance(trainable, bool):
        raise FormatError(f"trainable is {trainable!r}; true or false is needed")
    graph.parameter(name, value, trainable=trainable, unit=entry.get("unit", ""), mask=mask, parent=entry.get("parent"))
    graph.parameters[name].attributes.update(entry.get("attributes", {}))


def _methods() -> dict[str, tuple[Callable[..., None], dict[str, Any]]]:
    """For each kind of node the method that declares it, and its arguments with their defaults."""
    found = {}
    for kind in KINDS:
        method = getattr(SignalGraph, kind)
        arguments = list(inspect.signature(method).parameters.values())[2:]
        found[kind] = method, {a.name: a.default for a in arguments}
    return found


def _node(graph: SignalGraph, name: str) -> dict[str, Any]:
    data = graph.nodes[name]
    kind = data["kind"]
    _, defaults = _methods()[kind]
    made: dict[str, Any] = {"name": name, "kind": kind}
    further = {}
    for key, value in data.items():
        where = f"{kind} '{name}', {key}"
        if key == "body":
            made["graph"] = to_document(value)
        elif key == "shape" and kind == "sub":
            continue
        elif key == "shape":
            made[key] = list(value)
        elif key not in defaults:
            if key != "kind":
                further[key] = _plain(value, where)
        elif key == "law" and value is not None:
            if value.name not in laws or laws.get(value.name) is not value:
                raise FormatError(
                    f"{kind} '{name}': law '{value.name}' is not registered, so its name alone would not bring it back"
                )
            made[key] = value.name
        elif kind == "map" and key in ("function", "argument"):
            if data.get("law") is not None:
                continue
            if value is not None:
                made[key] = value
        elif not _is_default(value, defaults[key]):
            made[key] = _plain(value, where)
    if further:
        made["attributes"] = further
    return made


def _is_default(value: Any, default: Any) -> bool:
    return not isinstance(value, np.ndarray) and type(value) is type(default) and value == default


def _edge(a: str, b: str, data: dict[str, Any]) -> dict[str, Any]:
    defaults = {p.name: p.default for p in inspect.signature(SignalGraph.connect).parameters.values()}
    made = {
        "source": f"{a}/{data['source_port']}" if data["source_port"] else a,
        "target": f"{b}/{data['target_port']}" if data["target_port"] else b,
    }
    made |= {
        k: _plain(data[k], f"edge '{a}' -> '{b}', {k}")
        for k in _EDGE_KEYS
        if k in data and not _is_default(data[k], defaults[k])
    }
    if made.get("role") == "factor":
        del made["role"]
    return made


def _read_node(graph: SignalGraph, number: int, entry: Any, depth: int) -> None:
    place = f"nodes[{number}]"
    if not isinstance(entry, dict):
        raise FormatError(f"{place} is not an object")
    name = _text(entry.get("name"), f"{place}, name")
    place = f"{place} '{name}'"
    kind = entry.get("kind")
    if kind == "host":
        raise FormatError(f"{place}: a host is a Python procedure and cannot be read from a file")
    if kind not in KINDS:
        raise FormatError(f"{place}: kind {kind!r} must be one of {', '.join(KINDS)}")
    method, defaults = _methods()[kind]
    _check_keys(entry, ("name", "kind", "attributes", *defaults), place)
    arguments = {k: _value(k, v, place) for k, v in entry.items() if k not in ("name", "kind", "attributes", "graph")}
    if kind == "sub":
        if "graph" not in entry:
            raise FormatError(f"{place}: the graph is missing")
        try:
            arguments["graph"] = from_document(entry["graph"], depth + 1)
        except FormatError as error:
            raise FormatError(f"{place}, graph: {error}") from None
    _call(place, lambda: method(graph, name, **arguments))
    graph.nodes[name].update(_mapping(entry, "attributes"))


def _value(key: str, value: Any, place: str) -> Any:
    """A stored argument in the form that the methods take."""
    where = f"{place}, {key}"
    if value is None or isinstance(value, bool):
        return value
    if key == "law":
        chosen = _text(value, where)
        if chosen not in laws:
            raise FormatError(f"{where}: unknown law '{chosen}'; {nearest(chosen, laws.names())}".rstrip("; "))
        return laws.get(chosen)
    if key == "parameters":
        if not isinstance(value, list):
            raise FormatError(f"{where} is {value!r}; a list of names is needed")
        return tuple(_text(name, where) for name in value)
    if key in ("shape", "source_part", "target_part"):
        return tuple(_integers(value, where))
    if key in _PAIRS:
        if not isinstance(value, list) or len(value) != 2:
            raise FormatError(f"{where} is {value!r}; two numbers are needed")
        return tuple(_real(v, where) for v in value)
    if isinstance(value, list):
        return strict_json.numbers(value)
    if key == "plastic" and isinstance(value, dict):
        return value
    if isinstance(value, dict):
        raise FormatError(f"{where} is an object; a number, text or a list is needed")
    return value


def _call(place: str, action: Callable[[], None]) -> None:
    try:
        action()
    except FormatError as error:
        message = str(error)
        raise FormatError(message if message.startswith(place) else f"{place}: {message}") from None
    except NeurosimError as error:
        raise FormatError(f"{place}: {error}") from None
    except KeyError as error:
        raise FormatError(f"{place}: {error.args[0]} is missing") from None
    except (TypeError, ValueError, AttributeError, OverflowError) as error:
        raise FormatError(f"{place}: a value is of the wrong kind: {error}") from None


def _check_keys(entry: Any, known: tuple[str, ...], place: str) -> None:
    if not isinstance(entry, dict):
        raise FormatError(f"{place} is not an object")
    for key in entry:
        if key not in known:
            raise FormatError(f"{place}: unknown key '{key}'; {nearest(key, known)}")


def _mapping(entry: dict[str, Any], key: str) -> dict[str, Any]:
    found = entry.get(key, {})
    if not isinstance(found, dict):
        raise FormatError(f"'{key}' is not an object")
    return found


def _list(entry: dict[str, Any], key: str) -> list[Any]:
    found = entry.get(key, [])
    if not isinstance(found, list):
        raise FormatError(f"'{key}' is not a list")
    return found


def _text(value: Any, where: str) -> str:
    if not isinstance(value, str):
        raise FormatError(f"{where} is {value!r}; text is needed")
    return value


def _real(value: Any, where: str) -> float:
    if isinstance(value, str) and value in ("Infinity", "-Infinity"):
        return math.inf if value == "Infinity" else -math.inf
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise FormatError(f"{where} is {value!r}; a number is needed")
    return float(value)


def _integers(value: Any, where: str) -> list[int]:
    if not isinstance(value, list) or not all(isinstance(v, int) and not isinstance(v, bool) and v >= 0 for v in value):
        raise FormatError(f"{where} is {str(value)[:60]}; a list of whole numbers is needed")
    return value
