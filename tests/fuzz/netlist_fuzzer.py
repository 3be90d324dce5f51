"""Look for texts that break the reader, guided by coverage of its code.

``python tests/fuzz/netlist_fuzzer.py -max_total_time=120`` needs the extra ``fuzz`` (atheris). Its options, and a
folder in which interesting texts are kept, are those of libFuzzer; what breaks the reader is left as ``crash-*``, and
runs again when that file is the only argument.
"""

from __future__ import annotations

import sys

import atheris

with atheris.instrument_imports(include=["neurosim.circuit", "neurosim.expressions", "neurosim.units"]):
    from netlist_texts import DIALECTS, check, text_of

    from neurosim.devices import devices


def one_text(data: bytes) -> None:
    """Read what `data` chooses, or, after a byte above 250, `data` itself."""
    if not data:
        return
    text = b"t\n" + data[1:] if data[0] > 250 else text_of(data[1:])
    check(text, DIALECTS[data[0] % len(DIALECTS)])


if __name__ == "__main__":
    list(devices)
    atheris.Setup(sys.argv, one_text)
    atheris.Fuzz()
