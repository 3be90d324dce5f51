"""A vector field that is given by one compiled law with named parameters, for nodes of a signal graph."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from neurosim.errors import ParameterError
from neurosim.kernels.abi import Kernel, Recorded, kernel


class Law:
    """A recorded function with its size and the names of its parameters; made by `law`.

    Attributes
    ----------
    name : str
        That of the function.
    size : int
        Rows of u and of F.
    parameters : tuple of str
        Names of the rows of p.
    formula : str
        What `neurosim.equations` prints, empty for the name.
    recorded : Kernel
        Compiled when its address is first asked for.
    """

    def __init__(self, recorded: Kernel, size: int, parameters: Sequence[str], formula: str) -> None:
        self.recorded, self.size, self.parameters, self.formula = recorded, size, tuple(parameters), formula
        self.name = self.__name__ = self.__qualname__ = recorded.__name__
        self.__doc__, self.__module__ = recorded.__doc__, recorded.__module__

    @property
    def address(self) -> int:
        """Address of the compiled function."""
        return self.recorded.address

    def __call__(self, *args: Any) -> None:
        """Run the plain Python function (the oracle of the compiled one)."""
        self.recorded(*args)

    def __reduce__(self) -> str:
        return self.__qualname__

    def __repr__(self) -> str:
        return f"<law {self.__module__}.{self.name}>"


def law(
    size: int, parameters: Sequence[str] = (), *, formula: str = ""
) -> Callable[[Callable[..., None]], Law]:  # fmt: skip
    """Make a function a law that `SignalGraph.map` takes: a vector field with exact derivatives, compiled once.

    The function is ``f(context, u, p, memory, table, code, F, D)`` with u of shape (size, w), p (parameters, w), F
    (size, w) and D (size, size + parameters, w) for w independent instances. It writes values to F and, where
    ``context[WANT_DERIVATIVES]`` is not 0 (or always), the derivatives of F by u and then by p to D, of which entries
    that are never written are 0. It may call what `numba` compiles; time, memory, table and code are not used.

    Parameters
    ----------
    size : int
        Elements of one instance.
    parameters : sequence of str
        Names of the rows of p; parameters of the graph, of one element or one for each instance.
    formula : str
        For printing.

    Returns
    -------
    callable
        A decorator that returns a `Law`.

    Raises
    ------
    ParameterError
        The size is not positive, a parameter is named twice, or the function reads the time: give it an input.

    Examples
    --------
    >>> import neurosim as ns
    >>> from neurosim.kernels.abi import WANT_DERIVATIVES
    >>> @ns.law(2, ["mu"])
    ... def oscillator(context, u, p, memory, table, code, F, D):
    ...     for e in range(F.shape[1]):
    ...         x, v, mu = u[0, e], u[1, e], p[0, e]
    ...         F[0, e] = v
    ...         F[1, e] = mu * (1.0 - x * x) * v - x
    ...         if context[WANT_DERIVATIVES] != 0.0:
    ...             D[0, 1, e] = 1.0
    ...             D[1, 0, e] = -2.0 * mu * x * v - 1.0
    ...             D[1, 1, e] = mu * (1.0 - x * x)
    ...             D[1, 2, e] = (1.0 - x * x) * v
    >>> graph = ns.SignalGraph("oscillator")
    >>> graph.parameter("mu", 3.0)
    >>> graph.state("x", 2, time_constant=1.0, leak=0.0, initial=[2.0, 0.0])
    >>> graph.map("field", 2, law=oscillator)
    >>> graph.connect("x", "field"); graph.connect("field", "x")
    """
    names = tuple(parameters)
    if isinstance(parameters, str) or len(set(names)) != len(names) or not all(isinstance(n, str) and n for n in names):
        raise ParameterError(f"law: parameters = {parameters!r} must be names that differ")
    if not (isinstance(size, int) and size >= 1):
        raise ParameterError(f"law: size = {size!r} must be a positive whole number")

    def declare(function: Callable[..., None]) -> Law:
        recorded = kernel(function)
        if reads_time(recorded):
            raise ParameterError(f"law '{recorded.__name__}' reads the time: connect an input port that carries it")
        return Law(recorded, size, names, formula)

    return declare


def reads_time(recorded: Recorded) -> bool:
    """Whether a recorded function, or one that it calls, names the time of its context."""
    pending: list[Any] = [recorded]
    seen: set[int] = set()
    while pending:
        function = pending.pop().function
        if id(function) not in seen:
            seen.add(id(function))
            names = function.__code__.co_names
            if "TIME" in names:
                return True
            pending += [v for v in map(function.__globals__.get, names) if isinstance(v, Recorded)]
    return False
