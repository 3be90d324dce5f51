"""``neurosim network``: from a generator's name to a simulated memristive network with figure, film and result file."""

from __future__ import annotations

import inspect
import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from neurosim.cli.subject import GRAPHS, check_place, setting
from neurosim.errors import FormatError, ParameterError, UnknownNameError, nearest

if TYPE_CHECKING:
    import networkx as nx

    from neurosim.memristive.network import MemristiveNetwork

DEVICE_OF = {"nanowires": "nanowire_junction"}
"""What stands on the edges unless a device or a convention is given."""

_SET_OTHERWISE = ("graph", "convention", "device", "sources", "electrodes", "currents", "title")
"""Arguments of a network that are no parameters of its memristors."""

ELECTRODES_OF = {"nanowires": "strips", "crossbar": "row0,column0"}
"""Default electrodes; of other graphs the nodes in the middles of the left and the right side."""


def network_command(
    generator: Annotated[
        str, typer.Argument(help="Name of a generator, a saved graph or network (.graphml, .json), or a netlist.")
    ],
    time: Annotated[float, typer.Option(help="Length of the run in s.")],
    drive: Annotated[
        str | None,
        typer.Option(help="Voltage of the first electrode: a number or a waveform; default SIN(0 1 1), or as saved."),
    ] = None,
    set_: Annotated[
        list[str] | None, typer.Option("--set", metavar="NAME=VALUE", help="Argument of the generator.")
    ] = None,
    electrodes: Annotated[
        str | None, typer.Option(metavar="strips|middle|A,B", help="Where it is contacted; all but the first at 0 V.")
    ] = None,
    device: Annotated[str | None, typer.Option(help="Memristor on the edges, see 'neurosim list devices'.")] = None,
    convention: Annotated[
        str | None, typer.Option(metavar="standard|flipped", help="Of the Caravelli-Traversa-Di Ventra equation.")
    ] = None,
    param: Annotated[
        list[str] | None, typer.Option("--param", metavar="NAME=VALUE", help="Parameter of the memristors.")
    ] = None,
    rtol: Annotated[float, typer.Option(help="Relative tolerance.")] = 1e-6,
    plot: Annotated[Path | None, typer.Option(metavar="X.png", help="Draw network, conductance and loop.")] = None,
    film: Annotated[Path | None, typer.Option(metavar="X.gif", help="Write a film of the run.")] = None,
    out: Annotated[Path | None, typer.Option(metavar="X.nc", help="Write a result file, format by suffix.")] = None,
    graph_out: Annotated[
        Path | None, typer.Option("--graph", metavar="X.graphml", help="Write the graph, electrodes merged.")
    ] = None,
    save_: Annotated[
        Path | None, typer.Option("--save", metavar="X.json", help="Write the whole network (.json, .graphml, .cir).")
    ] = None,
    checkpoint: Annotated[
        Path | None, typer.Option(metavar="X.npz", help="Save the run here now and then, the network beside it.")
    ] = None,
    checkpoint_every: Annotated[float, typer.Option(metavar="S", min=0.0, help="Seconds between two saves.")] = 60.0,
    max_seconds: Annotated[float | None, typer.Option(metavar="S", min=0.0, help="Most seconds of computing.")] = None,
    json_: Annotated[bool, typer.Option("--json", help="Print numbers as JSON.")] = False,
) -> None:
    """Make a memristive network, drive it, and draw what happens.

    As in: neurosim network nanowires --set number=100 --time 4 --drive "SIN(0 1 0.5)" --plot net.png
    """
    from neurosim.analyses.conducting_paths import conducting_paths
    from neurosim.analyses.network_conductance import network_conductance
    from neurosim.analyses.state_history import state_history
    from neurosim.formats import format_for, save
    from neurosim.formats.strict_json import plain
    from neurosim.plots import write_figure
    from neurosim.plots.memristive_network import animate_network
    from neurosim.plots.network_run import draw_network_run
    from neurosim.solve.simulate import simulate

    if not time > 0.0:
        raise ParameterError(f"--time {time:g} must be positive")
    for place in (plot, film, out, graph_out, save_, checkpoint):
        check_place(place)
    if out is not None:
        format_for(out)
    saved = saved_network(generator)
    if saved is not None:
        given = {"--set": set_, "--electrodes": electrodes, "--device": device, "--convention": convention,
                 "--param": param}  # fmt: skip
        if wrong := next((name for name, value in given.items() if value), None):
            raise ParameterError(f"{wrong} is for generators and graphs: '{generator}' holds a whole network")
        network, contacts, chosen = driven_as_saved(saved, drive)
    else:
        network, contacts, chosen = _made(
            generator, set_ or [], electrodes, device, convention, param or [], drive or "SIN(0 1 1)"
        )
    driven = [f"{what}({contacts[0]})" for what in "iv"]
    if checkpoint is not None:
        save(network, network_beside(checkpoint))
    result = simulate(
        network, (0.0, time), rtol=rtol, save=("states", *driven), checkpoint=checkpoint,
        checkpoint_every=checkpoint_every, wall_time_limit=float("inf") if max_seconds is None else max_seconds,
    )  # fmt: skip
    found = network_conductance(network, result, contacts[0], contacts[1])
    times, states = state_history(network, result)
    paths = conducting_paths(network, contacts[0], contacts[1], states[-1])
    if plot is not None:
        figure: Any = draw_network_run(network, result, found, contacts[0])[0].figure
        write_figure(figure, plot)
    if film is not None:
        animate_network(network, result, film)
    if out is not None:
        save(result, out)
    if graph_out is not None:
        save(network.graph, graph_out)
    if save_ is not None:
        save(network, save_)
    if json_:
        print(json.dumps(plain({
            "title": network.title, "nodes": len(network.nodes), "edges": network.size,
            "electrodes": [str(node) for node in contacts], "device": chosen, "points": times.size,
            "conductance": {"first": found.conductance[0], "last": found.conductance[-1],
                            "least": found.conductance.min(), "largest": found.conductance.max()},
            "path_edges": paths.path_edges.size, "path_resistance": paths.path_resistance,
            "backbone_edges": paths.backbone().size, "statistics": result.attrs["statistics"],
            "seconds": result.attrs["seconds"],
        }), indent=1))  # fmt: skip
        return
    print(f"{network.title}: {len(network.nodes):,} nodes, {network.size:,} edges, '{contacts[0]}' driven, "
          f"{', '.join(map(str, contacts[1:]))} {'as saved' if saved else 'at 0 V'}")  # fmt: skip
    print(found)
    print(f"at the end: {paths}")
    statistics = result.attrs["statistics"]
    print(f"{times.size:,} points, {statistics.get('steps', 0):,} steps, {result.attrs['seconds']:.3g} s")
    written = [str(place) for place in (plot, film, out, graph_out, save_) if place is not None]
    if written:
        print(f"wrote {', '.join(written)}")


def network_beside(checkpoint: Path) -> Path:
    """Where the network of a checkpoint is saved, from which 'neurosim resume' goes on."""
    return checkpoint.with_suffix(".json")


def saved_network(name: str) -> MemristiveNetwork | None:
    """The network in a file: a netlist, or a saved one; None for what is no file, or the file of a graph alone.

    Raises
    ------
    FormatError, ParameterError, NetlistError
    """
    from neurosim.formats import holds_graph, load
    from neurosim.memristive.network import MemristiveNetwork

    path = Path(name)
    if not path.is_file():
        return None
    if path.suffix.casefold() not in GRAPHS:
        return MemristiveNetwork.from_circuit(path)
    found: object = load(path) if holds_graph(path) else None
    return found if isinstance(found, MemristiveNetwork) else None


def driven_as_saved(network: MemristiveNetwork, drive: str | None) -> tuple[MemristiveNetwork, list[Any], str]:
    """A saved network with another voltage at its first electrode, if one is given; its electrodes; its devices.

    The first electrode is the first one that is not constantly at 0 V.

    Raises
    ------
    ParameterError
        It has fewer than two electrodes.
    """
    contacts = sorted(network.electrodes, key=lambda node: network.electrodes[node] == 0.0)
    if len(contacts) < 2:
        raise ParameterError(
            f"network '{network.title}' has {len(contacts)} electrodes: two are needed, for what is drawn and measured"
        )
    if drive is not None:
        level = _number(drive)
        network = network.with_parameters({f"v({contacts[0]})": drive if level is None else level})
    devices = ", ".join(group.name for group in network.laws.groups)
    return network, contacts, devices


def _made(
    generator: str, settings: list[str], electrodes: str | None, device: str | None, convention: str | None,
    param: list[str], drive: str,
) -> tuple[MemristiveNetwork, list[Any], str]:  # fmt: skip
    """A network on a generated or saved graph; its electrodes; its devices."""
    from neurosim.memristive.network import MemristiveNetwork

    graph, contacts = contacted(graph_of_generator(generator, settings), electrodes)
    chosen = device or (None if convention else DEVICE_OF.get(graph.name))
    if chosen is None and convention is None:
        raise ParameterError("give --convention standard or flipped (which end is the low resistance), or --device")
    values = dict(map(setting, param))
    level = _number(drive)
    kind: dict[str, Any] = {"device": (chosen, values)} if chosen else {"convention": convention, **values}
    levels = {contacts[0]: drive if level is None else level, **dict.fromkeys(contacts[1:], 0.0)}
    known = [name for name in inspect.signature(MemristiveNetwork).parameters if name not in _SET_OTHERWISE]
    if not chosen and (wrong := next((name for name in values if name not in known), None)):
        raise ParameterError(f"--param: a network has no parameter '{wrong}'; {nearest(wrong, known)}")
    network = MemristiveNetwork(graph, electrodes=levels, **kind)
    return network, contacts, chosen or f"drift_decay, {convention}"


def graph_of_generator(name: str, settings: list[str]) -> nx.MultiGraph:
    """The graph of a generator's name or of a file.

    Raises
    ------
    FormatError, ParameterError, UnknownNameError
    """
    import networkx as nx

    from neurosim.formats import holds_graph, load
    from neurosim.memristive.generators import generators

    path = Path(name)
    if path.suffix.casefold() in GRAPHS:
        if settings:
            raise ParameterError("--set is for generators; a saved graph is what it is")
        if not path.is_file():
            raise FormatError(f"there is no file '{name}'")
        graph: Any = load(path) if holds_graph(path) else None
        if not isinstance(graph, nx.MultiGraph) or not all("pos" in data for _, data in graph.nodes(data=True)):
            raise FormatError(f"'{name}' holds no graph of a memristive network; --graph writes one")
        return graph
    if name not in generators:
        raise UnknownNameError(f"there is no generator '{name}'; {nearest(name, generators.names())}")
    build = generators.get(name).build
    known = inspect.signature(build).parameters
    given = dict(map(setting, settings))
    takes_all = any(p.kind is inspect.Parameter.VAR_KEYWORD for p in known.values())
    for key in given:
        if key not in known and not takes_all:
            near = nearest(key, list(known)) or f"known: {', '.join(known)}"
            raise UnknownNameError(f"generator '{name}' has no argument '{key}'; {near}")
    return build(**given)


def contacted(graph: nx.MultiGraph, electrodes: str | None) -> tuple[nx.MultiGraph, list[str]]:
    """The graph with its electrodes, and their names, the driven one first.

    Raises
    ------
    ParameterError
        Fewer than two electrodes, or one that is no node.
    """
    from neurosim.memristive.electrodes import middle_nodes, with_strips
    from neurosim.memristive.parameters import node_named

    chosen = electrodes or ELECTRODES_OF.get(graph.name, "middle")
    has_strips = [node for node, data in graph.nodes(data=True) if "strip" in data]
    if electrodes is None and len(has_strips) > 1:
        return graph, has_strips
    if chosen == "strips":
        return with_strips(graph), ["left", "right"]
    if chosen == "middle":
        return graph, list(middle_nodes(graph))
    given = [name.strip() for name in re.findall(r"\([^()]*\)|[^,()]+", chosen) if name.strip()]
    names: list[Any] = [node_named(graph, name) for name in given]
    for name, node in zip(given, names, strict=True):
        if node is None:
            near = nearest(name, map(str, graph.nodes))
            raise ParameterError(f"--electrodes: '{name}' is no node of '{graph.name}'; {near}")
    if len(set(names)) < 2:
        raise ParameterError(f"--electrodes {chosen!r}: two different nodes or more are needed, or strips, or middle")
    return graph, names


def _number(text: str) -> float | None:
    from neurosim.units import parse_number

    return parse_number(text)
