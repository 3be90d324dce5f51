"""``neurosim conditional-exponents``: does a driven network forget where it started?"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from neurosim.cli.subject import Settings, Subject, check_place
from neurosim.cli.tangent import Steps, Time, Transient, run_of
from neurosim.errors import ParameterError

HELD = 10.0
"""Noise is held for the smallest time constant over this."""


def conditional_exponents_command(
    subject: Subject,
    drive: Annotated[
        list[str] | None, typer.Option(metavar="PORT=WAVEFORM", help="As in 'in=SIN(0 1 0.1)'; default noise.")
    ] = None,
    noise: Annotated[float, typer.Option(help="Standard deviation of Gaussian noise on all inputs.")] = 1.0,
    drives: Annotated[int, typer.Option(help="How many drives of noise.")] = 3,
    time: Time = None,
    steps: Steps = None,
    exponents: Annotated[int, typer.Option(help="How many for each drive, the largest.")] = 1,
    transient: Transient = None,
    starts: Annotated[int, typer.Option(help="Random starts for each drive.")] = 2,
    set_: Settings = None,
    seed: Annotated[int, typer.Option(help="Seed of noise, starts and vectors.")] = 0,
    plot: Annotated[Path | None, typer.Option(metavar="X.png", help="Draw exponents and distances.")] = None,
    json_: Annotated[bool, typer.Option("--json", help="Print numbers as JSON.")] = False,
) -> None:
    """Lyapunov exponents of a response under given drives, and whether runs from other starts join it.

    As in: neurosim conditional-exponents echo_state --steps 2000 --plot echo.png
    """
    from neurosim.analyses.conditional_exponents import conditional_exponents
    from neurosim.analyses.lyapunov import checked_times
    from neurosim.formats.strict_json import plain
    from neurosim.graph.drives import noise as held_noise
    from neurosim.graph.program import Program
    from neurosim.randomness import stream

    check_place(plot)
    if drives < 1:
        raise ParameterError(f"--drives {drives} must be 1 or more")
    what, settings = run_of(subject, set_ or [], time, steps, seed)
    if not isinstance(what, Program) or not what.inputs.size:
        title = what.graph.title if isinstance(what, Program) else what.title
        raise ParameterError(f"'{title}' has no input ports; its own sources drive it: neurosim lyapunov")
    tried: list[Any]
    if "steps" in settings:
        if drive:
            raise ParameterError(f"'{what.graph.title}' is a map, which has no waveforms: it is driven with --noise")
        length = round(sum(checked_times(None, settings["steps"], transient)))
        tried = [
            noise * stream(seed, "conditional drive", number).standard_normal((length + 1, what.inputs.size))
            for number in range(drives)
        ]
    elif drive:
        tried = [dict(map(_waveform, drive))]
    else:
        dt = float(what.time_constant[~what.is_clocked].min()) / HELD
        tried = [
            {port: held_noise(noise, dt, seed + number) for port in what.inputs.slices} for number in range(drives)
        ]
    found = conditional_exponents(
        what, **settings, drive=tried, k=exponents, starts=starts, seed=seed, transient=transient
    )
    if plot is not None:
        from neurosim.plots import write_figure

        write_figure(found.plot()[0].figure, plot)
    if json_:
        print(json.dumps(plain({
            "title": found.title, "unit": found.unit, "has_echo_states": found.has_echo_states,
            "exponents": [spectrum.exponents for spectrum in found.spectra],
            "errors": [spectrum.errors for spectrum in found.spectra], "distances": found.distances,
        }), indent=1, allow_nan=False))  # fmt: skip
        return
    print(found)
    if plot is not None:
        print(f"wrote {plot}")


def _waveform(text: str) -> tuple[str, Any]:
    from neurosim.units import parse_number

    port, separator, value = text.partition("=")
    if not (port and separator):
        raise ParameterError(f"--drive {text!r} must look like PORT=WAVEFORM, as in 'in=SIN(0 1 0.1)'")
    number = parse_number(value)
    return port, value if number is None else number
