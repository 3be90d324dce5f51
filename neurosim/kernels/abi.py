"""How compiled code is declared, compiled on first use, cached and called.

Four decorators only *record* a function, so that importing a model loads no compiler:

``@kernel``
    A device law. One fixed signature for all (see `KERNEL_SIGNATURE`); it becomes a C function whose address is data.
``@helper``
    A function that kernels, drivers and other helpers call by its global name.
``@driver(signature)``
    An eagerly compiled loop that is called from Python; `signature` is a function that returns the Numba signature.
``@unit(signature)``
    As a helper, but compiled once, when it is first called, and called by its symbol: Numba would otherwise copy and
    optimise it again in every caller, which makes a large loop take minutes to compile.
``@numba_object``
    A function that builds a Numba object (an intrinsic, a type) on first use.

Numba's own cache does not notice an edited helper in another file. Machine code is therefore kept in files named by a
hash of all the source that it can reach, the constants it freezes, and the versions in use (`neurosim.kernels.native`).
What is kept runs without loading Numba.
"""

from __future__ import annotations

import contextlib
import ctypes
import functools
import hashlib
import importlib.util
import os
import threading
import types
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from neurosim.kernels import native

CONTEXT_SIZE = 16
(
    TIME, SOURCE_SCALE, TEMPERATURE, GMIN, WANT_DERIVATIVES, LIMITING, LIMITED, ANALYSIS, STEP, SEED, CORNER, HALT,
    NEXT_STEP, RTOL, REQUEST, WITH,
) = range(16)  # fmt: skip
"""Entries of `context`: time t [s]; scale of independent sources (1 except in source stepping); temperature [K]; gmin
[S]; 1 when D is wanted; 1 when a law may limit its inputs (Newton); set to 1 by a law that did; analysis (0 operating
point or DC, 1 transient, 2 the operating point from which a transient analysis starts); step size h [s] (0 outside a
step); seed of the run; 1 when an accepted step ends at a corner or jump; set to 1 there by a law
to stop the loop; set there to the largest next step [s] that a law wants; relative tolerance of a transient
analysis; what is asked of a law instead of its flows, and a number that belongs to it."""

FLOWS, PREPARE, SOLVE, PRODUCT, CURRENTS, RATES = 0.0, 1.0, 2.0, 3.0, 4.0, 5.0
"""Values of ``context[REQUEST]``. A law that is a whole system without mass may know a way with its own Jacobian J that
never forms it. PREPARE: get ready for ``a - J`` with a = ``context[WITH]``, J as at the last call with derivatives;
flows are 0, the first one is NaN where a step with this a is too long. SOLVE: flows are ``(a - J)^-1 u``. PRODUCT:
flows are ``J u``, J as at the last evaluation, which had derivatives. CURRENTS, RATES: a memristor may leave its other
flow out; no derivatives are wanted."""

OPERATING_POINT, TRANSIENT, INITIAL_POINT = 0.0, 1.0, 2.0

BLOCK = 128
"""Instances a kernel sees at once: small enough for the first-level cache."""

KERNEL_SIGNATURE = "void(context*, dims*, u*, p*, memory*, table*, code*, F*, D*)"
"""C signature of every kernel; pointers to float64, `dims` and `code` to int64. dims = [nu, np, nm, n_table, n_code,
nf, w]. In Python: ``law(context, u[nu, w], p[np, w], memory[nm, w], table[:], code[:], F[nf, w], D[nf, nu, w])``."""

_lock = threading.RLock()
_listeners: list[Callable[[str], None]] = []
_compilations = 0


def compilations() -> int:
    """Number of functions compiled (not loaded from the cache) in this process."""
    return _compilations


def on_compile(listener: Callable[[str], None]) -> None:
    """Call `listener(name)` before each compilation, so that a waiting user can be told why."""
    _listeners.append(listener)


class Recorded:
    """A function kept as source until something needs it compiled."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self.function = function
        self.__name__ = function.__name__
        self.__doc__ = function.__doc__
        self.__module__ = function.__module__
        self._compiled: Any = None

    def __call__(self, *args: Any) -> Any:
        """Run the plain Python function (the oracle of the compiled one)."""
        return self.function(*args)

    def __repr__(self) -> str:
        return f"<{type(self).__name__.lower()} {self.__module__}.{self.__name__}>"

    @property
    def compiled(self) -> Any:
        """The Numba object, built on first use."""
        if self._compiled is None:
            with _lock:
                if self._compiled is None:
                    self._compiled = self._compile()
        return self._compiled

    def _compile(self) -> Any:
        raise AttributeError(type(self).__name__)


class Helper(Recorded):
    """See `helper`."""

    def _compile(self) -> Any:
        from neurosim.kernels import compiler

        return compiler.translate(_resolved(self.function))


class NumbaObject(Recorded):
    """See `numba_object`."""

    def _compile(self) -> Any:
        return self.function()


class Native(Recorded):
    """A function with an address: read from the cache, or compiled and kept."""

    _code: native.MachineCode
    _address = 0

    @functools.cached_property
    def key(self) -> str:
        """Its fingerprint when it was first asked for."""
        return fingerprint(self)

    @property
    def address(self) -> int:
        """Address of the C function."""
        if not self._address:
            with _lock:
                if not self._address:
                    self._code, self._address = self._find()
        return self._address

    def _find(self) -> tuple[native.MachineCode, int]:
        global _compilations
        units = {unit.symbol: unit for unit in _reachable(self) if isinstance(unit, Unit) and unit is not self}

        def load(code: native.MachineCode) -> tuple[native.MachineCode, int]:
            addresses = {symbol: units[symbol].binding.address for symbol in code.imports if symbol in units}
            return code, native.load(code, addresses)

        # What does not link here (a symbol is missing) is compiled anew.
        with contextlib.suppress(RuntimeError):
            if code := native.read(self.key):
                return load(code)
        with _alone(self.key):
            # Another process may have compiled it meanwhile.
            with contextlib.suppress(RuntimeError):
                if code := native.read(self.key):
                    return load(code)
            for listener in _listeners:
                listener(self.__name__)
            code, is_portable = self._build()
            _compilations += 1
            if is_portable:
                native.write(self.key, code)
        return load(code)

    def _build(self) -> tuple[native.MachineCode, bool]:
        raise AttributeError(type(self).__name__)


@contextlib.contextmanager
def _alone(key: str) -> Iterator[None]:
    """Let other processes that want to compile the same function wait; where files cannot be locked, nobody does."""
    path = native.cache_directory() / f"k-{key}.lock"
    try:
        import fcntl

        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    except (ImportError, OSError):
        yield
        return
    try:
        with contextlib.suppress(OSError):
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        # Who waits holds the old file, who comes later finds the compiled function.
        path.unlink(missing_ok=True)
        os.close(handle)


class Unit(Native):
    """See `unit`."""

    def __init__(self, function: Callable[..., Any], signature: Callable[[], Any]) -> None:
        super().__init__(function)
        self.signature = signature

    @property
    def symbol(self) -> str:
        """Name by which other compiled code calls it; without its module, so that kept code outlives a move."""
        return f"neurosim_unit_{self.__name__}_{self.key}"

    @functools.cached_property
    def binding(self) -> native.Binding:
        """Where other compiled code finds its address. It is compiled when it is called: a run needs one method."""
        return native.Binding(lambda: self.address)

    def _build(self) -> tuple[native.MachineCode, bool]:
        from neurosim.kernels import compiler

        return compiler.compile_words(_resolved(self.function), self.signature())

    def _compile(self) -> Any:
        from neurosim.kernels import compiler

        return compiler.call_by_symbol(self.__name__, self.symbol, self.signature())


class Driver(Unit):
    """See `driver`."""

    @functools.cached_property
    def call(self) -> native.Call:
        """How Python calls it."""
        address, names = self.address, self.function.__code__.co_varnames
        return native.Call(self.__name__, names, self._code, address)

    def __call__(self, *args: Any) -> Any:
        """Run the compiled function."""
        return self.call(*args)


class Kernel(Native):
    """See `kernel`."""

    def _build(self) -> tuple[native.MachineCode, bool]:
        from neurosim.kernels import compiler

        return compiler.compile_law(_resolved(self.function), CONTEXT_SIZE)


def kernel(function: Callable[..., None]) -> Kernel:
    """Record a device law ``f(context, u, p, memory, table, code, F, D)``; see the module docstring."""
    return Kernel(function)


def helper(function: Callable[..., Any]) -> Any:
    """Record a function that compiled code calls by its global name."""
    return Helper(function)


def driver(signature: Callable[[], Any]) -> Callable[[Callable[..., Any]], Driver]:
    """Record a loop that Python calls; `signature` returns its Numba signature when first asked.

    It takes and returns what a `unit` does, and releases the interpreter lock. A driver that allocates arrays works,
    but Numba has to be loaded for that.
    """
    return lambda function: Driver(function, signature)


def unit(signature: Callable[[], Any]) -> Callable[[Callable[..., Any]], Any]:
    """Record a function that other compiled code calls by its symbol.

    Arguments may be int64, float64, contiguous arrays, and named tuples of arrays by their address
    (`neurosim.kernels.tuple_pointer`); it returns int64, float64, a tuple of these, or nothing.
    """
    return lambda function: Unit(function, signature)


def numba_object(function: Callable[[], Any]) -> Any:
    """Record a function that builds a Numba object on first use."""
    return NumbaObject(function)


class PythonLaw:
    """A Python function with the kernel signature, callable from compiled loops at a C address.

    Parameters
    ----------
    function : callable
        ``f(context, u, p, memory, table, code, F, D)`` on NumPy views.

    Attributes
    ----------
    address : int
        Valid while this object lives.
    failure : BaseException or None
        What the function raised; the outputs are then NaN, which stops the loop.
    """

    def __init__(self, function: Callable[..., None]) -> None:
        import numpy as np

        self.failure: BaseException | None = None
        real, integer = ctypes.c_double, ctypes.c_int64
        # Loops call with the same addresses again and again: the views on them are kept.
        sizes_at: dict[int, Any] = {}
        views: dict[tuple[Any, ...], list[Any]] = {}

        def view(address: int | None, kind: Any, *shape: int) -> Any:
            if not address or 0 in shape:
                return np.empty(shape)
            return np.ctypeslib.as_array(ctypes.cast(address, ctypes.POINTER(kind)), shape=shape)

        def views_of(a: tuple[int, ...], sizes: tuple[int, ...]) -> list[Any]:
            nu, n_p, nm, nt, nc, nf, w = sizes
            if len(views) > 100:
                views.clear()
            views[a, sizes] = found = [
                view(a[0], real, CONTEXT_SIZE), view(a[2], real, nu, w), view(a[3], real, n_p, w),
                view(a[4], real, nm, w), view(a[5], real, nt), view(a[6], integer, nc), view(a[7], real, nf, w),
                view(a[8], real, nf, nu, w),
            ]  # fmt: skip
            return found

        def entry(*a: int) -> None:
            dims = sizes_at.get(a[1])
            if dims is None:
                dims = sizes_at[a[1]] = view(a[1], integer, 7)
            sizes = tuple(dims.tolist())
            arrays = views.get((a, sizes)) or views_of(a, sizes)
            try:
                function(*arrays)
            except BaseException as error:  # the C frame above cannot pass an exception on
                self.failure = self.failure or error
                arrays[6][:] = np.nan

        prototype = ctypes.CFUNCTYPE(None, *[ctypes.c_void_p] * 9)
        self._entry = prototype(entry)
        self.address: int = ctypes.cast(self._entry, ctypes.c_void_p).value or 0


@numba_object
def call_kernel() -> Any:
    """Intrinsic ``call_kernel(address, context, dims, u, p, memory, table, code, F, D)`` on 1-D contiguous arrays."""
    from neurosim.kernels import compiler

    return compiler.call_law()


def fingerprint(recorded: Recorded) -> str:
    """Hash of all source that `recorded` can reach, constants it freezes, versions in use, and the processor."""
    digest = hashlib.sha256(_compiler_text())
    digest.update(repr((type(recorded).__name__, *native.machine_key())).encode())
    for reached in _reachable(recorded):
        for function in _functions_of(reached):
            digest.update(_code_text(function.__code__))
            for name, value in _globals_of(function):
                if not isinstance(value, Recorded | types.FunctionType):
                    digest.update(f"{name}={_frozen(value)}".encode())
    return digest.hexdigest()[:32]


def _reachable(recorded: Recorded) -> Iterator[Any]:
    """What a function refers to, directly or through others: recorded functions and plain ones."""
    seen: set[int] = set()
    pending: list[Any] = [recorded]
    while pending:
        current = pending.pop()
        if id(current) not in seen:
            seen.add(id(current))
            yield current
            # Plain functions make signatures and types: what they refer to counts as much.
            for function in _functions_of(current):
                pending += [v for _, v in _globals_of(function) if isinstance(v, Recorded | types.FunctionType)]


def _functions_of(reached: Any) -> list[Any]:
    if not isinstance(reached, Recorded):
        return [reached]
    return [reached.function, reached.signature] if isinstance(reached, Unit) else [reached.function]


@functools.cache
def _compiler_text() -> bytes:
    """The modules that make and call machine code; the first and the last are loaded only to compile."""
    specs = [importlib.util.find_spec(f"neurosim.kernels.{name}") for name in ("compiler", "native", "tuple_pointer")]
    return b"".join(Path(spec.origin).read_bytes() for spec in specs if spec and spec.origin)


@functools.cache
def _code_text(code: types.CodeType) -> bytes:
    """What a function does, without names of files and numbers of lines."""
    # The first constant may be the docstring, which changes nothing.
    constants = code.co_consts[1:] if code.co_consts and isinstance(code.co_consts[0], str) else code.co_consts
    texts = [_code_text(c) if isinstance(c, types.CodeType) else _constant_text(c).encode() for c in constants]
    return b"|".join([code.co_code, *texts, repr((code.co_names, code.co_varnames)).encode()])


def _constant_text(value: Any) -> str:
    """Text of a constant that is the same in every process: sets of strings have no order of their own."""
    return repr(sorted(map(repr, value))) if isinstance(value, set | frozenset) else repr(value)


def _frozen(value: Any) -> str:
    """Text of a global that Numba freezes into the code."""
    if isinstance(value, types.ModuleType):
        return value.__name__
    if isinstance(value, type):
        return f"{value.__qualname__}{getattr(value, '_fields', '')}"
    if hasattr(value, "tobytes"):
        return f"{value.dtype}{value.shape}{hashlib.sha256(value.tobytes()).hexdigest()}"
    return _constant_text(value)


def _globals_of(function: Callable[..., Any]) -> Iterator[tuple[str, Any]]:
    """Global names that a function (or code nested in it) refers to, with their values."""
    space = function.__globals__
    yield from ((name, space[name]) for name in _names_in(function.__code__) if name in space)


@functools.cache
def _names_in(code: types.CodeType) -> list[str]:
    """Names, sorted, that code and the code nested in it refer to."""
    nested = (_names_in(constant) for constant in code.co_consts if isinstance(constant, types.CodeType))
    return sorted({*code.co_names, *(name for names in nested for name in names)})


def _resolved(function: Callable[..., Any]) -> Callable[..., Any]:
    """Copy of `function` whose recorded globals are replaced by their Numba objects."""
    space = dict(function.__globals__)
    for name, value in _globals_of(function):
        if isinstance(value, Recorded):
            space[name] = value.compiled
    copy = types.FunctionType(function.__code__, space, function.__name__, function.__defaults__, function.__closure__)
    copy.__qualname__, copy.__module__ = function.__qualname__, function.__module__
    return copy
