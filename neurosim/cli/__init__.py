"""The command ``neurosim``; one file in this folder is one command.

Exit codes: 0 done, 1 a simulation failed (or an internal error), 2 bad input, 130 interrupted.
"""

from __future__ import annotations

import functools
import importlib
import io
import sys
import warnings
from collections.abc import Sequence
from typing import Any

import neurosim
from neurosim.errors import NeurosimError, SimulationError

FAILED, BAD_INPUT, INTERRUPTED = 1, 2, 130

_COMMANDS = {
    "run": "run.run", "check": "check.check", "show": "show.show", "list": "list_command.list_command",
    "convert": "convert.convert", "cache": "cache.cache", "compare": "compare.compare_command",
    "fit": "fit.fit_command", "energy": "energy.energy_command", "fixed-points": "fixed_points.fixed_points_command",
    "lyapunov": "lyapunov.lyapunov_command", "sweep": "sweep.sweep_command", "resume": "resume.resume_command",
    "phase": "phase.phase_command", "poincare": "poincare.poincare_command",
    "limit-cycle": "limit_cycle.limit_cycle_command", "bifurcation": "bifurcation.bifurcation_command",
    "basins": "basins.basins_command", "conditional-exponents": "conditional_exponents.conditional_exponents_command",
    "covariant-vectors": "covariant_vectors.covariant_vectors_command",
    "contraction-rate": "contraction_rate.contraction_rate_command",
    "power-spectrum": "power_spectrum.power_spectrum_command", "network": "network.network_command",
    "reservoir": "reservoir.reservoir_command",
}  # fmt: skip
"""Each command's file in this folder, and its function."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    Parameters
    ----------
    arguments : sequence of str, optional
        Without the program's name; default those of the process.

    Returns
    -------
    int
        Exit code.
    """
    given = list(sys.argv[1:] if arguments is None else arguments)
    debug = "--debug" in given
    given = [word for word in given if word != "--debug"]
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # A terminal without Unicode shows a question mark for an ohm sign instead of a traceback.
            stream.reconfigure(errors="replace")
    with warnings.catch_warnings():
        warnings.showwarning = _show_warning
        try:
            return _run(given)
        except NeurosimError as error:
            if debug:
                raise
            print(_as_error(str(error)), file=sys.stderr)
            return FAILED if isinstance(error, SimulationError) else BAD_INPUT
        except OSError as error:
            if debug:
                raise
            place = f" '{error.filename}'" if error.filename else ""
            print(f"error: {error.strerror or error}{place}", file=sys.stderr)
            return BAD_INPUT
        except MemoryError:
            if debug:
                raise
            print("error: out of memory; save fewer columns (--save), or a larger print step", file=sys.stderr)
            return FAILED
        except Exception as error:
            if debug:
                raise
            what = " ".join(str(error).split()) or "no message"
            print(
                f"internal error: {type(error).__name__}: {what[:300]}; this is a bug of neurosim, "
                "run again with --debug for the traceback",
                file=sys.stderr,
            )
            return FAILED


def _run(arguments: list[str]) -> int:
    try:
        name = arguments[0] if arguments and arguments[0] in _COMMANDS else None
        _application(name)(args=arguments, prog_name="neurosim")
    except SystemExit as stop:
        if stop.code == INTERRUPTED:
            print("interrupted", file=sys.stderr)
        return stop.code if isinstance(stop.code, int) else 0 if stop.code is None else BAD_INPUT
    return 0


@functools.cache
def _application(name: str | None) -> Any:
    """The command of that name, or all of them."""
    import typer
    from typer.main import get_command

    application = typer.Typer(add_completion=False, no_args_is_help=True, rich_markup_mode=None)
    application.callback()(_options(typer))
    # Reading the declarations of all commands takes longer than many a run.
    for command in (name,) if name else _COMMANDS:
        module, _, function = _COMMANDS[command].partition(".")
        application.command(command)(getattr(importlib.import_module(f"neurosim.cli.{module}"), function))
    return get_command(application)


def _options(typer: Any) -> Any:
    def print_version(wanted: bool) -> None:
        if wanted:
            print(f"neurosim {neurosim.__version__}")
            raise typer.Exit

    def root(
        version: bool = typer.Option(
            False, "--version", callback=print_version, is_eager=True, help="Show the version."
        ),
        debug: bool = typer.Option(False, "--debug", help="Show a traceback when something goes wrong."),
    ) -> None:
        """Simulate analog and neuromorphic circuits: from a netlist to a table, a result file and a figure."""

    return root


def _as_error(text: str) -> str:
    """A message with the word "error"; those of netlists have it, behind their place."""
    return text if "error: " in text.split("\n")[0] else f"error: {text}"


def _show_warning(message: Warning | str, category: type[Warning], filename: str, lineno: int, *_: Any) -> None:
    text = str(message)
    print(text if "warning: " in text.split("\n")[0] else f"warning: {text}", file=sys.stderr)
