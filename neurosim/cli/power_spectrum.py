"""``neurosim power-spectrum``: the power spectral density of a run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from neurosim.cli.subject import Settings, Subject, check_place
from neurosim.cli.tangent import Time, run_of
from neurosim.errors import ParameterError


def power_spectrum_command(
    subject: Subject,
    time: Time = None,
    names: Annotated[
        list[str] | None, typer.Option("--name", metavar="NAME", help="Column, as in v(out); default the states.")
    ] = None,
    transient: Annotated[float, typer.Option(help="Left out at the start, in s.")] = 0.0,
    segments: Annotated[int, typer.Option(help="Averaged segments: more smooth, fewer resolve.")] = 8,
    samples: Annotated[int, typer.Option(help="Even samples over the run.")] = 65_536,
    set_: Settings = None,
    seed: Annotated[int, typer.Option(help="Seed of the start of a network.")] = 0,
    plot: Annotated[Path | None, typer.Option(metavar="X.png", help="Draw the densities.")] = None,
    csv: Annotated[Path | None, typer.Option(metavar="X.csv", help="Write the densities as a table.")] = None,
    json_: Annotated[bool, typer.Option("--json", help="Print peaks as JSON.")] = False,
) -> None:
    """Simulate, and show which frequencies a run is made of.

    As in: neurosim power-spectrum rossler --time 2000 --transient 200 --name x[0] --plot spectrum.png
    """
    from neurosim.analyses.power_spectrum import power_spectrum
    from neurosim.circuit.model import Circuit
    from neurosim.memristive.network import MemristiveNetwork
    from neurosim.solve.simulate import simulate

    for place in (plot, csv):
        check_place(place)
    if samples < 16:
        raise ParameterError(f"--samples {samples} must be at least 16")
    what, settings = run_of(subject, set_ or [], time, None, seed)
    if "steps" in settings:
        raise ParameterError(f"'{what.graph.title}' is a map: it has no frequencies in Hz")
    span = settings.pop("t_span")
    if names:
        settings["save"] = tuple(names)
    elif isinstance(what, MemristiveNetwork):
        settings["save"] = ("states",)
    elif not isinstance(what, Circuit):
        settings["save"] = tuple(what.states.slices)
    result = simulate(what, span, print_step=span[1] / (samples - 1), save_steps=False, **settings)
    found = power_spectrum(result, start=transient or None, segments=segments)
    peaks = {name: found.peak(name) for name in found.density}
    width = max(map(len, peaks))
    lines = [f"{found.title}: {len(peaks)} spectra, {found.frequency[1]:.4g} to {found.frequency[-1]:.4g} Hz"]
    lines += [f"  {name:<{width}}  largest at {peak:.6g} Hz" for name, peak in list(peaks.items())[:12]]
    if len(peaks) > 12:
        lines.append(f"  ... {len(peaks) - 12} more")
    if plot is not None:
        from neurosim.plots import write_figure

        write_figure(found.plot().figure, plot)
        lines.append(f"wrote {plot}")
    if csv is not None:
        from neurosim.atomic import atomic_write

        rows = [",".join(["frequency", *(f'"{name}"' if "," in name else name for name in peaks)])]
        columns = zip(found.frequency, *found.density.values(), strict=True)
        rows += [",".join(repr(float(value)) for value in row) for row in columns]
        with atomic_write(csv) as temporary:
            temporary.write_text("\n".join(rows) + "\n", encoding="utf-8")
        lines.append(f"wrote {csv}")
    values = {"title": found.title, "resolution": float(found.frequency[1]), "peaks": peaks}
    print(json.dumps(values, indent=1, allow_nan=False) if json_ else "\n".join(lines))
