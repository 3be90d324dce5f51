"""What a memristive network has beside its graph, as plain values: parameters, sources, electrodes, start.

The arguments of `MemristiveNetwork` by name; sources by the number of the edge, electrodes and currents by the name of
the node. A drive is a number, the text of a waveform, or an object: ``{"drive": "held", "samples", "dt"}``,
``{"drive": "interpolated", "times", "values"}``, ``{"drive": "noise", "std", "dt", "seed", "mean"}``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

import numpy as np

from neurosim.errors import FormatError, NeurosimError, nearest
from neurosim.formats import strict_json
from neurosim.graph.drives import Held, Interpolated, Noise, held, interpolated, noise
from neurosim.memristive.network import MemristiveNetwork

_DRIVES = {"held": (Held, held), "interpolated": (Interpolated, interpolated), "noise": (Noise, noise)}
_OF_NODES = ("electrodes", "currents")
_KEYS = (
    "r_on", "r_off", "beta", "alpha", "convention", "polarity", "window", "device", "sources", *_OF_NODES, "initial",
    "solver", "title",
)  # fmt: skip


def plain_drive(value: Any) -> Any:
    """A drive as plain values; anything else as it is."""
    for name, (kind, _) in _DRIVES.items():
        if isinstance(value, kind):
            return {"drive": name, **{f.name: strict_json.plain(getattr(value, f.name)) for f in fields(value)}}
    return value


def drive_from(value: Any, where: str) -> Any:
    """What `plain_drive` turned into plain values.

    Raises
    ------
    FormatError
    """
    if not isinstance(value, dict) or "drive" not in value:
        return value
    if value["drive"] not in _DRIVES:
        raise FormatError(f"{where}: drive {value['drive']!r}; {nearest(str(value['drive']), _DRIVES)}")
    make = _DRIVES[value["drive"]][1]
    given = {k: strict_json.numbers(v) if isinstance(v, list) else v for k, v in value.items() if k != "drive"}
    try:
        return make(**given)
    except (TypeError, NeurosimError) as error:
        raise FormatError(f"{where}: {error}") from None


def settings_of(net: MemristiveNetwork) -> dict[str, Any]:
    """The settings of a network as plain values.

    Raises
    ------
    FormatError
    """
    made: dict[str, Any] = {}
    for key, value in net.arguments.items():
        if value is None or key == "graph":
            continue
        if key in _OF_NODES:
            value = {str(node): plain_drive(drive) for node, drive in value.items()}
        elif key == "sources" and isinstance(value, Mapping):
            value = {str(net.edge_index(edge)): plain_drive(drive) for edge, drive in value.items()}
        elif key == "device" and not isinstance(value, str):
            value = [value[0], dict(value[1])]
        try:
            made[key] = strict_json.plain(value)
        except FormatError as error:
            raise FormatError(f"{key}: {error}") from None
    return made


def network_from(graph: Any, names: Mapping[str, Any], settings: Any) -> MemristiveNetwork:
    """The network of a graph whose nodes are called `names` in the file.

    Raises
    ------
    FormatError
        Settings that make no network; says which.
    """
    if not isinstance(settings, dict):
        raise FormatError("'network' is not an object")
    given: dict[str, Any] = {}
    for key, value in settings.items():
        if key not in _KEYS:
            raise FormatError(f"network: unknown setting '{key}'; {nearest(key, _KEYS)}")
        where = f"network, {key}"
        if key in _OF_NODES or (key == "sources" and isinstance(value, dict)):
            if not isinstance(value, dict):
                raise FormatError(f"{where} is not an object")
            of = names if key in _OF_NODES else {str(k): k for k in range(graph.number_of_edges())}
            if wrong := next((name for name in value if name not in of), None):
                raise FormatError(f"{where}: there is no {'node' if key in _OF_NODES else 'edge'} '{wrong}'")
            value = {of[name]: drive_from(drive, f"{where} '{name}'") for name, drive in value.items()}
        elif key == "device" and isinstance(value, list):
            value = tuple(value)
        elif isinstance(value, list):
            value = np.array(strict_json.numbers(value))
        given[key] = value
    try:
        return MemristiveNetwork(graph, **given)
    except (TypeError, ValueError, NeurosimError) as error:
        raise FormatError(f"the network: {error}") from None
