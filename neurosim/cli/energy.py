"""``neurosim energy``: the energy of a network along a run, or where the power of a circuit goes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from neurosim.cli.subject import Settings, Subject, check_place, subject_of
from neurosim.errors import ParameterError

if TYPE_CHECKING:
    from neurosim.analyses.energy import EnergyRun
    from neurosim.analyses.power_balance import PowerBalance


def energy_command(
    subject: Subject,
    time: Annotated[float | None, typer.Option(help="Length of the run in s.")] = None,
    rtol: Annotated[float | None, typer.Option(help="Relative tolerance of the run.")] = None,
    set_: Settings = None,
    seed: Annotated[int, typer.Option(help="Seed of the random start of a network.")] = 0,
    plot: Annotated[Path | None, typer.Option(metavar="X.png", help="Draw energy or power over time.")] = None,
    landscape: Annotated[
        Path | None, typer.Option(metavar="X.png", help="Draw the energy on the plane of the runs (networks).")
    ] = None,
    json_: Annotated[bool, typer.Option("--json", help="Print numbers as JSON.")] = False,
) -> None:
    """Follow an energy (Lyapunov) function, or the balance of power of a circuit.

    As in: neurosim energy hopfield --plot energy.png --landscape landscape.png
    """
    from neurosim.circuit.model import Circuit

    if time is not None and not time > 0.0:
        raise ParameterError(f"--time {time:g} must be positive")
    for place in (plot, landscape):
        check_place(place)
    what = subject_of(subject, set_ or [])
    span = None if time is None else (0.0, time)
    settings: dict[str, Any] = {} if rtol is None else {"rtol": rtol}
    from neurosim.plots import write_figure

    if isinstance(what, Circuit):
        from neurosim.analyses.power_balance import power_balance

        if landscape is not None:
            raise ParameterError("--landscape draws the energy of a network; a circuit has a balance of power (--plot)")
        found: Any = power_balance(what, span, **settings)
        values, lines = _of_circuit(found)
    else:
        from neurosim.analyses.energy import energy
        from neurosim.analyses.energy_landscape import energy_landscape
        from neurosim.graph.program import compile_graph
        from neurosim.memristive.network import MemristiveNetwork
        from neurosim.randomness import stream

        if isinstance(what, MemristiveNetwork):
            if time is None:
                raise ParameterError(f"network '{what.title}' has no time constant of its own: give --time")
        else:
            what = compile_graph(what)
            draw = stream(seed, "energy", "start").standard_normal(what.states.size)
            settings["initial"] = {name: draw[part] for name, part in what.states.slices.items()}
        found = energy(what, span, **settings)
        values, lines = _of_network(found)
        if landscape is not None:
            write_figure(energy_landscape(what, duration=time, seed=seed).plot().figure, landscape)
    if plot is not None:
        write_figure(found.plot()[0].figure, plot)
    print(json.dumps(values, indent=1, allow_nan=False) if json_ else "\n".join(lines))
    for place in (plot, landscape):
        if place is not None and not json_:
            print(f"wrote {place}")


def _of_network(run: EnergyRun) -> tuple[dict[str, Any], list[str]]:
    worst = float(run.rise[run.is_held].max(initial=0.0))
    values = {
        "title": run.title, "formula": run.formula, "start": float(run.energy[0]), "end": float(run.energy[-1]),
        "identity_error": run.identity_error, "intervals": int(run.is_held.sum()), "largest_rise": max(worst, 0.0),
        "violations": int(run.violations.size), "pinned": [vars(p) for p in run.pinned],
    }  # fmt: skip
    verdict = "none" if not run.violations.size else f"{run.violations.size}, the first at {_first(run):.4g} s"
    lines = [
        run.title,
        f"  {run.formula}",
        f"  energy             {run.energy[0]:.6g} -> {run.energy[-1]:.6g}",
        f"  dE/dt identity     largest difference {run.identity_error:.1e} of the largest rate",
        f"  rises              largest {max(worst, 0.0):.1e} in {values['intervals']} intervals with held inputs",
        f"  beyond tolerance   {verdict}",
    ]
    lines += [
        f"  at its bound       {p.state} = {p.bound:g}, {p.start:.4g} s to {p.stop:.4g} s" for p in run.pinned[:10]
    ]
    return values, lines


def _first(run: EnergyRun) -> float:
    return float(run.times[run.violations[0] + 1])


def _of_circuit(balance: PowerBalance) -> tuple[dict[str, Any], list[str]]:
    energies = balance.energies()
    totals = {role: sum(e for n, e in energies.items() if balance.role[n] == role) for role in
              ("supply", "dissipation", "storage")}  # fmt: skip
    values = {
        "title": balance.title, "supplied": -totals["supply"], "dissipated": totals["dissipation"],
        "stored": totals["storage"], "residual_of_power": balance.residual, "energy_taken_up": energies,
        "pinned": [vars(p) for p in balance.pinned],
    }  # fmt: skip
    width = max(len(name) for name in energies)
    lines = [
        balance.title,
        f"  supplied {-totals['supply']:.6g} J = dissipated {totals['dissipation']:.6g} J + stored "
        f"{totals['storage']:.6g} J",
        f"  sum of all powers at most {balance.residual:.1e} of their size (Tellegen)",
    ]
    largest = sorted(energies, key=lambda name: -abs(energies[name]))
    lines += [f"  {name:<{width}}  {balance.role[name]:<11}  {energies[name]:>12.5g} J" for name in largest[:12]]
    if len(largest) > 12:
        lines.append(f"  ... {len(largest) - 12} more")
    lines += [f"  {p.state} at {p.bound:g} from {p.start:.4g} s to {p.stop:.4g} s" for p in balance.pinned[:10]]
    return values, lines
