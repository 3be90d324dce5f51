"""``neurosim cache``: where compiled code is kept, and how to be rid of it."""

from __future__ import annotations

from typing import Annotated

import typer

from neurosim.units import format_si


def cache(clear: Annotated[bool, typer.Option("--clear", help="Delete all compiled code.")] = False) -> None:
    """Show where compiled kernels are kept, and their size.

    Deleting them does no harm: the next run compiles what it needs again.
    """
    from neurosim.kernels.native import cache_directory, cache_size, clear_cache

    if clear:
        print(f"freed {format_si(clear_cache(), 'B')} in {cache_directory()}")
    else:
        print(f"{cache_directory()}: {format_si(cache_size(), 'B')}")
