"""Names of the cards that begin with a dot: what is read, what has no effect, and what is refused with what to do."""

DIRECTIVES = frozenset(
    (
        ".op", ".dc", ".ac", ".tran", ".options", ".option", ".opt", ".temp", ".save", ".print", ".plot", ".probe",
        ".measure", ".meas", ".step",
    )
)  # fmt: skip
"""Cards of the whole circuit that `neurosim.circuit.directives` and `neurosim.circuit.measures` read."""
STRUCTURE = frozenset(
    (
        ".include", ".inc", ".lib", ".param", ".params", ".func", ".function", ".subckt", ".ends", ".model", ".global",
        ".ic", ".nodeset", ".title", ".end",
    )
)  # fmt: skip
WITHOUT_EFFECT = frozenset((".backanno", ".width", ".acct", ".nopage", ".list"))
"""Cards that say how another simulator prints; they change no number."""
REFUSED = {
    ".control": "write the analyses as cards instead: .tran, .dc, .ac, .op, .measure, .save, .step",
    ".if": "conditional netlists are not supported; keep one branch",
    ".noise": "there is no noise analysis; available are .op, .dc, .ac and .tran",
    ".four": "take the spectrum of a .tran result instead",
    ".tf": "use .dc or .ac with a small source",
    ".pz": "there is no pole-zero analysis; use .ac",
    ".sens": "there is no sensitivity card; sweep the parameter with .step",
    ".alter": "use .step, or one netlist per variant",
    ".data": "use .step param <name> list <values>",
    ".wave": "write a sound file from the result instead",
    ".hdl": "Verilog-A modules cannot be loaded",
    ".machine": "state machines are not supported",
    ".sp": "there is no S-parameter analysis; use .ac",
    ".hb": "there is no harmonic balance; use .tran",
    ".mc": "use .step, or sweep from the command line",
    ".ends": "there is no open .subckt",
    ".endl": "there is no open .lib section",
}
