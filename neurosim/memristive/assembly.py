"""From a memristive network to a `System`: one batch of one instance, whose law solves the network."""

from __future__ import annotations

import ctypes
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from neurosim.graph import law as words
from neurosim.graph.drives import Drives
from neurosim.kernels import array_program as ap
from neurosim.kernels.builder import GROUND, BatchSpec, System, build_system
from neurosim.kernels.edge_laws import ADDRESS, GROUP_WORDS
from neurosim.kernels.laplacian_arrays import CHANGES, LaplacianArrays
from neurosim.kernels.system import SystemArrays
from neurosim.kernels.unknowns import Unknowns
from neurosim.memristive import law
from neurosim.memristive.network import MemristiveNetwork
from neurosim.memristive.plan import LaplacianSolver

LARGEST_JACOBIAN = 300
"""Edges up to which the system gives its dense Jacobian, for implicit methods that are no Rosenbrock methods."""

STEPS = "steps_"
"""Stands before the names of what changes in `NetworkAssembly.step_solver`."""

MANY_EDGES = 100_000
"""From so many edges on memory is given back between planning and laying out."""


@dataclass
class NetworkAssembly:
    """A memristive network in the form that the engine runs.

    Attributes
    ----------
    net : MemristiveNetwork
    drives : Drives
    system : System
        Unknowns: the states of the edges, then the samples of held sources.
    solver : LaplacianSolver
        Keeps what `system` points to.
    step_solver : LaplacianArrays, optional
        As `solver.arrays`, for the systems of implicit steps.
    """

    net: MemristiveNetwork
    drives: Drives
    system: System
    solver: LaplacianSolver
    step_solver: LaplacianArrays | None = None

    def start(self, initial: np.ndarray | None = None) -> np.ndarray:
        """Unknowns at t = 0."""
        return np.concatenate([self.net.state if initial is None else initial, self.drives.start])

    def solved(self, times: np.ndarray, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Potentials (points, nodes) and currents (points, m) at points of a trajectory (points, unknowns)."""
        system, m, n = self.system, self.net.size, len(self.net.nodes)
        potentials, currents = np.zeros((times.size, n)), np.zeros((times.size, m))
        if times.size:
            arrays = system.arrays
            code, table = arrays.code[: self.code_size], arrays.table
            law.network_at(
                np.ascontiguousarray(times), system.context.copy(), table, code, arrays.memory,
                np.ascontiguousarray(values).ravel(), potentials.ravel(), currents.ravel(),
            )  # fmt: skip
        return potentials, currents

    def identity(self) -> bytes:
        """The bytes of the law's code, with what device laws are instead of where they are."""
        same, at = self.system.arrays.code.copy(), law.AT + np.array([law.SOLVER, law.STEP_SOLVER])
        first = int(same[law.AT + law.LAWS_AT]) + 1
        same[[*at, *(first + k * GROUP_WORDS + ADDRESS for k in range(len(self.net.laws.groups)))]] = 0
        keys = [g.device.law.key for g in self.net.laws.groups if g.device is not None and g.device.law is not None]
        return same.tobytes() + "".join(keys).encode()

    def kept(self) -> dict[str, np.ndarray]:
        """What changes while the plan solves, for a checkpoint."""
        made = {name: getattr(self.solver.arrays, name) for name in CHANGES}
        if self.step_solver is not None:
            made |= {f"{STEPS}{name}": getattr(self.step_solver, name) for name in CHANGES}
        return made

    def restore(self, kept: Mapping[str, np.ndarray]) -> None:
        """Go on from what `kept` gave."""
        for name, values in kept.items():
            arrays = self.step_solver if name.startswith(STEPS) else self.solver.arrays
            getattr(arrays, name.removeprefix(STEPS))[...] = values

    @property
    def code_size(self) -> int:
        """Words of the law."""
        return len(self.system.batches[0].code)


def assemble_network(
    net: MemristiveNetwork, drives: Drives, *, derivatives: bool, rtol: float = 1e-6, implicit: bool = False
) -> NetworkAssembly:
    """Build the System of a network.

    Parameters
    ----------
    net : MemristiveNetwork
    drives : Drives
        Its sources, laid out until the end of the run.
    derivatives : bool
        Whether the Jacobian will be wanted.
    rtol : float
        Of the integration: solutions by iteration are that much more exact than a step.
    implicit : bool
        Whether the law is to solve the linear systems of Rosenbrock methods, see `neurosim.memristive.law`.
    """
    m, n, held, laws = net.size, len(net.nodes), drives.start.size, net.laws
    solver = net.plan(rtol)
    if m > MANY_EDGES:
        _give_back_memory()
    header, own = np.zeros(ap.HEADER, np.int64), np.zeros(words.WORDS_OF_LAW, np.int64)
    network = np.zeros(law.WORDS_OF_NETWORK, np.int64)
    header[ap.STATES], header[ap.INPUTS], header[ap.LAW_AT] = m, drives.inputs.size, ap.HEADER
    targets = net.sources.targets
    parts = [
        (own, words.DRIVEN_AT, np.array(drives.records, np.int64).ravel()),
        (network, law.ENDS_AT, np.concatenate([net.tail, net.head])), (network, law.FIXED_AT, net.fixed),
        (network, law.TARGETS_AT, targets.ravel()), (network, law.LAWS_AT, laws.code),
    ]  # fmt: skip
    place = law.AT + law.WORDS_OF_NETWORK
    for header_of, word, part in parts:
        header_of[word] = place
        place += part.size
    own[words.DRIVEN], own[words.HELD_UNKNOWNS] = len(drives.records), held
    network[[law.EDGES, law.NODES, law.FIXED, law.TARGETS]] = m, n, net.fixed.size, len(targets)
    network[[law.OHMIC, law.WITH_JACOBIAN, law.SOLVER]] = laws.ohmic, derivatives, address_of(solver.arrays)
    constant, places = net.sources.constant, targets[:, 1] if len(targets) else np.zeros(0, np.int64)
    network[law.EMF_DRIVEN] = (places < m).any()
    network[law.INJECTED] = (places >= m + n).any() or (constant[m + n :] != 0.0).any()
    network[[law.CONSTANT_AT, law.LAWS_TABLE]] = len(drives.table), len(drives.table) + m + 2 * n
    step_solver = solver.arrays.with_own_numbers() if implicit else None
    bounds = np.empty(0)
    if step_solver is not None:
        bounds = np.concatenate([laws.lower, laws.upper])
        network[[law.STEP_SOLVER, law.BOUNDS_AT]] = address_of(step_solver), network[law.LAWS_TABLE] + laws.table.size
    code = np.concatenate([header, own, network, *(part for *_, part in parts)]).astype(np.int64)
    table = np.concatenate([drives.table, constant, laws.table, bounds])

    count = m + held
    index = np.full((1, count, 2), GROUND, np.int32)
    index[0, :, 0] = np.arange(count)
    batch = BatchSpec(
        net.title, index, index, np.zeros((1, 0)), {}, law.network_flow, count, count,
        accept=law.network_ticks if held else None, accept_writes_states=held > 0,
        dependence=[(i, j) for i in range(m) for j in range(m)] if derivatives else (),
        writes_derivatives=derivatives, memory_rows=law.work_size(m, n, drives.inputs.size, implicit),
        table=table, code=code, names=(net.title,), unit_mass=True,
    )  # fmt: skip
    unknowns = Unknowns.empty(count)
    others = [f"{name}[{k}]" for name, part in drives.held_places.items() for k in range(part.stop - part.start)]
    unknowns.names = [*net.state_names, *others] if others else net.state_names
    unknowns.units = [*laws.units, *("" for _ in others)]
    unknowns.kinds = np.broadcast_to(np.array("state"), count)
    unknowns.lower[:m], unknowns.upper[:m], unknowns.scale[:m] = laws.lower, laws.upper, laws.scale

    def breakpoints(t_start: float, t_stop: float) -> np.ndarray:
        times = np.unique(np.concatenate([*drives.corners(t_stop), np.empty(0)]))
        apart = 0.5 * words.TICK_SHARE * min(drives.periods, default=0.0)
        kept = times[np.diff(times, prepend=-np.inf) > apart]
        return kept[kept > t_start]

    system = build_system(unknowns, [batch], breakpoints=breakpoints)
    # of a million edges the numbers are kept once
    system.batches = (replace(batch, code=system.arrays.code, table=system.arrays.table),)
    users = {law.SOLVER: solver.arrays, law.STEP_SOLVER: step_solver}

    def detach(arrays: SystemArrays) -> list[LaplacianArrays]:
        kept = []
        for word, used in users.items():
            if used is not None:
                kept.append(used.with_own_numbers())
                arrays.code[law.AT + word] = address_of(kept[-1])
        return kept

    system.detach, system.keeps = detach, [solver.arrays, step_solver]
    return NetworkAssembly(net, drives, system, solver, step_solver)


def _give_back_memory() -> None:
    """What planning took and freed goes back to the machine, where the C library can do that (glibc)."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)


def address_of(arrays: tuple) -> int:
    """Address of the block of words of a named tuple of arrays; valid while the tuple lives."""
    block = (ctypes.c_int64 * sum(1 + array.ndim for array in arrays))()
    block[:] = [word for array in arrays for word in (array.ctypes.data, *array.shape)]
    arrays._block = block  # type: ignore[attr-defined]
    return ctypes.addressof(block)
