"""How compiled code is declared, compiled on first use, cached and called.

Four decorators only *record* a function, so that importing a model loads no compiler:

``@kernel``
    A device law. One fixed signature for all (see `KERNEL_SIGNATURE`); it becomes a C function whose address is data.
``@helper``
    A function that kernels, drivers and other helpers call by its global name.
``@driver(signature)``
    An eagerly compiled loop that is called from Python; `signature` is a function that returns the Numba signature.
``@unit(signature)``
    As a helper, but compiled once and called by its symbol: Numba would otherwise copy and optimise it again in every
    caller, which makes a large loop take minutes to compile.
``@numba_object``
    A function that builds a Numba object (an intrinsic, a type) on first use.

Numba's own cache does not notice an edited helper in another file. Each compiled function is therefore cached in a
folder named by a hash of all the source that it can reach, the constants it freezes, and the versions in use.
"""

from __future__ import annotations

import ctypes
import functools
import hashlib
import os
import shutil
import sys
import threading
import types
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

CONTEXT_SIZE = 16
TIME, SOURCE_SCALE, TEMPERATURE, GMIN, WANT_DERIVATIVES, LIMITING, LIMITED, ANALYSIS, STEP, SEED, CORNER = range(11)
"""Entries of `context`: time t [s]; scale of independent sources (1 except in source stepping); temperature [K]; gmin
[S]; 1 when D is wanted; 1 when a law may limit its inputs (Newton); set to 1 by a law that did; analysis (0 operating
point or DC, 1 transient, 2 the operating point from which a transient analysis starts); step size h [s] (0 outside a
step); seed of the run; 1 when an accepted step ends at a corner or jump."""

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


def cache_directory() -> Path:
    """Folder of compiled code: ``$NEUROSIM_CACHE_DIR``, else ``neurosim`` in the user's cache folder."""
    if chosen := os.environ.get("NEUROSIM_CACHE_DIR"):
        return Path(chosen)
    if sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA", Path.home() / "AppData" / "Local"))
    elif sys.platform == "darwin":
        base = Path.home() / "Library" / "Caches"
    else:
        base = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache"))
    return base / "neurosim"


def clear_cache() -> int:
    """Delete all compiled code; return the number of bytes freed."""
    root = cache_directory()
    size = cache_size()
    if root.is_dir():
        for folder in root.iterdir():
            if folder.is_dir() and folder.name.startswith("k-"):
                shutil.rmtree(folder, ignore_errors=True)
    return size


def cache_size() -> int:
    """Bytes of compiled code on disk."""
    root = cache_directory()
    return sum(f.stat().st_size for f in root.glob("k-*/**/*") if f.is_file()) if root.is_dir() else 0


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
        import numba

        # Python never calls a helper: without the wrappers for that, compiling takes about 30 % less time.
        options = {"nogil": True, "error_model": "numpy", "no_cpython_wrapper": True, "no_cfunc_wrapper": True}
        return numba.njit(**options)(_resolved(self.function))


class NumbaObject(Recorded):
    """See `numba_object`."""

    def _compile(self) -> Any:
        return self.function()


class Driver(Recorded):
    """See `driver`."""

    def __init__(self, function: Callable[..., Any], signature: Callable[[], Any]) -> None:
        super().__init__(function)
        self.signature = signature

    def __call__(self, *args: Any) -> Any:
        return self.compiled(*args)

    def _compile(self) -> Any:
        import numba

        dispatcher = numba.njit(_resolved(self.function), nogil=True, error_model="numpy")

        def build() -> Any:
            dispatcher.compile(self.signature())
            dispatcher.disable_compile()
            return dispatcher, sum(dispatcher.stats.cache_hits.values())

        return _with_cache(self, build, dispatcher.enable_caching)


class Unit(Recorded):
    """See `unit`."""

    def __init__(self, function: Callable[..., Any], signature: Callable[[], Any]) -> None:
        super().__init__(function)
        self.signature = signature

    def _compile(self) -> Any:
        import llvmlite.binding
        import numba

        signature = self.signature()
        name = f"unit_of_{self.__module__.replace('.', '_')}_{self.__name__}"
        body = Helper._compile(self)  # type: ignore[arg-type]
        returns = signature.return_type != numba.void
        template = _unit_entry if returns else _void_unit_entry
        code = template.__code__.replace(co_name=name, co_qualname=name)
        namespace = {"_body": body, "_arguments": _unpack_intrinsic(signature.args), "__name__": __name__}
        entry = types.FunctionType(code, namespace, name)

        def build() -> Any:
            pointer = numba.types.CPointer(numba.int64)
            compiled = numba.cfunc(numba.int64(pointer), cache=True, error_model="numpy")(entry)
            return compiled, compiled.cache_hits

        self._function = _with_cache(self, build, lambda: None)
        symbol = f"neurosim_{name}_{fingerprint(self)}"
        llvmlite.binding.add_symbol(symbol, self._function.address)
        return _call_intrinsic(symbol, signature)


class Kernel(Recorded):
    """See `kernel`."""

    @property
    def address(self) -> int:
        """Address of the compiled C function."""
        return self.compiled.address

    def _compile(self) -> Any:
        import numba

        real, integer = numba.types.CPointer(numba.float64), numba.types.CPointer(numba.int64)
        signature = numba.void(real, integer, real, real, real, real, integer, real, real)
        body = Helper._compile(self)  # type: ignore[arg-type]
        # Numba names cache files by file and qualified name: every entry needs a name of its own.
        name = f"entry_of_{self.__module__.replace('.', '_')}_{self.__name__}"
        code = _entry.__code__.replace(co_name=name, co_qualname=name)
        namespace = {"_law": body, "carray": vars(numba)["carray"], "CONTEXT_SIZE": CONTEXT_SIZE, "__name__": __name__}
        entry = types.FunctionType(code, namespace, name)

        def build() -> Any:
            compiled = numba.cfunc(signature, cache=True)(entry)
            return compiled, compiled.cache_hits

        return _with_cache(self, build, lambda: None)


def kernel(function: Callable[..., None]) -> Kernel:
    """Record a device law ``f(context, u, p, memory, table, code, F, D)``; see the module docstring."""
    return Kernel(function)


def helper(function: Callable[..., Any]) -> Any:
    """Record a function that compiled code calls by its global name."""
    return Helper(function)


def driver(signature: Callable[[], Any]) -> Callable[[Callable[..., Any]], Driver]:
    """Record a loop that Python calls; `signature` returns its Numba signature when first asked."""
    return lambda function: Driver(function, signature)


def unit(signature: Callable[[], Any]) -> Callable[[Callable[..., Any]], Any]:
    """Record a function that other compiled code calls by its symbol.

    Arguments may be int64, float64, contiguous one-dimensional arrays, and tuples by their address
    (`neurosim.kernels.tuple_pointer`); it returns int64 or nothing.
    """
    return lambda function: Unit(function, signature)


def numba_object(function: Callable[[], Any]) -> Any:
    """Record a function that builds a Numba object on first use."""
    return NumbaObject(function)


def _unit_entry(block):
    return _body(*_arguments(block))  # type: ignore[name-defined] # noqa: F821


def _void_unit_entry(block):
    _body(*_arguments(block))  # type: ignore[name-defined] # noqa: F821
    return 0


def _array_value(target: Any, builder: Any, kind: Any, data: Any, shape: list[Any]) -> Any:
    """LLVM value of a contiguous array that somebody else keeps alive."""
    from numba.np import arrayobj

    array = target.make_array(kind)(target, builder)
    size = target.get_constant(_integer(), kind.dtype.bitwidth // 8)
    strides, step = [], size
    for extent in reversed(shape):
        strides.insert(0, step)
        step = builder.mul(step, extent)
    pointer = builder.inttoptr(data, array.data.type)
    arrayobj.populate_array(array, pointer, shape, strides, size, None, None)
    return array._getvalue()


def _integer() -> Any:
    from numba import types as nt

    return nt.int64


def _unpack_intrinsic(kinds: Any) -> Any:
    """Intrinsic that turns a block of words into the arguments of a unit."""
    from numba import types as nt
    from numba.core import cgutils
    from numba.extending import intrinsic

    @intrinsic
    def arguments(typing_context, block):
        result = nt.Tuple(kinds)

        def generate(target, builder, sig, values):
            def word(pointer: Any, place: int) -> Any:
                return builder.load(cgutils.gep(builder, pointer, place))

            out, place = [], 0
            for kind in kinds:
                if isinstance(kind, nt.Array):
                    data, size = word(values[0], place), word(values[0], place + 1)
                    out.append(_array_value(target, builder, kind, data, [size]))
                    place += 2
                elif hasattr(kind, "pointee"):
                    out.append(builder.inttoptr(word(values[0], place), target.get_value_type(kind)))
                    place += 1
                else:
                    value = word(values[0], place)
                    out.append(value if kind == nt.int64 else builder.bitcast(value, target.get_value_type(kind)))
                    place += 1
            return target.make_tuple(builder, result, out)

        return result(block), generate

    return arguments


def _call_intrinsic(symbol: str, signature: Any) -> Any:
    """Intrinsic that calls a unit by its symbol."""
    from llvmlite import ir
    from numba import types as nt
    from numba.core import cgutils
    from numba.extending import intrinsic

    kinds = signature.args

    def generate(target, builder, sig, values):
        tuple_type = sig.args[0]
        given = cgutils.unpack_tuple(builder, values[0], len(tuple_type.types))
        words: list[Any] = []
        whole = ir.IntType(64)
        for kind, actual, value in zip(kinds, tuple_type.types, given, strict=True):
            if isinstance(kind, nt.Array):
                array = target.make_array(actual)(target, builder, value)
                words += [builder.ptrtoint(array.data, whole), builder.extract_value(array.shape, 0)]
            elif hasattr(kind, "pointee"):
                words.append(builder.ptrtoint(value, whole))
            else:
                value = target.cast(builder, value, actual, kind)
                words.append(value if kind == nt.int64 else builder.bitcast(value, whole))
        block = cgutils.alloca_once(builder, whole, size=ir.Constant(whole, len(words)))
        for place, word in enumerate(words):
            builder.store(word, cgutils.gep(builder, block, place))
        callee = cgutils.get_or_insert_function(
            builder.module, ir.FunctionType(whole, [whole.as_pointer()]), symbol
        )
        result = builder.call(callee, [block])
        return result if signature.return_type == nt.int64 else target.get_dummy_value()

    @intrinsic
    def call(typing_context, *given):
        return signature.return_type(nt.StarArgTuple(given)), generate

    return call


def _entry(context, dims, u, p, memory, table, code, F, D):
    w = dims[6]
    _law(  # type: ignore[name-defined] # noqa: F821
        carray(context, (CONTEXT_SIZE,)),  # type: ignore[name-defined] # noqa: F821
        carray(u, (dims[0], w)),  # type: ignore[name-defined] # noqa: F821
        carray(p, (dims[1], w)),  # type: ignore[name-defined] # noqa: F821
        carray(memory, (dims[2], w)),  # type: ignore[name-defined] # noqa: F821
        carray(table, (dims[3],)),  # type: ignore[name-defined] # noqa: F821
        carray(code, (dims[4],)),  # type: ignore[name-defined] # noqa: F821
        carray(F, (dims[5], w)),  # type: ignore[name-defined] # noqa: F821
        carray(D, (dims[5], dims[0], w)),  # type: ignore[name-defined] # noqa: F821
    )


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
    from llvmlite import ir
    from numba import types as nt
    from numba.extending import intrinsic

    @intrinsic
    def call_kernel(typing_context, address, context, dims, u, p, memory, table, code, F, D):
        arguments = (context, dims, u, p, memory, table, code, F, D)
        signature = nt.void(address, *arguments)

        def generate(target, builder, sig, values):
            pointer = ir.IntType(8).as_pointer()
            function_type = ir.FunctionType(ir.VoidType(), [pointer] * len(arguments))
            callee = builder.inttoptr(values[0], function_type.as_pointer())
            data = [
                builder.bitcast(target.make_array(kind)(target, builder, value).data, pointer)
                for kind, value in zip(sig.args[1:], values[1:], strict=True)
            ]
            builder.call(callee, data)
            return target.get_dummy_value()

        return signature, generate

    return call_kernel


def fingerprint(recorded: Recorded) -> str:
    """Hash of all source that `recorded` can reach, the constants it freezes, and the versions in use."""
    import llvmlite
    import numba
    import numpy

    digest = hashlib.sha256()
    digest.update(repr((sys.version_info[:3], numba.__version__, llvmlite.__version__, numpy.__version__)).encode())
    seen: set[int] = set()
    pending: list[Any] = [recorded, *(_entry, _unit_entry, _void_unit_entry, _unpack_intrinsic, _call_intrinsic)]
    while pending:
        current = pending.pop()
        if id(current) in seen:
            continue
        seen.add(id(current))
        functions = [current.function] if isinstance(current, Recorded) else [current]
        if isinstance(current, Driver | Unit):
            functions.append(current.signature)
        for function in functions:
            digest.update(_code_text(function.__code__))
            for name, value in _globals_of(function):
                # Plain functions make signatures and types: what they refer to counts as much.
                if isinstance(value, Recorded | types.FunctionType):
                    pending.append(value)
                else:
                    digest.update(f"{name}={_frozen(value)}".encode())
    return digest.hexdigest()[:20]


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
    pending, names = [function.__code__], set()
    while pending:
        code = pending.pop()
        names.update(code.co_names)
        pending.extend(constant for constant in code.co_consts if isinstance(constant, types.CodeType))
    space = function.__globals__
    yield from ((name, space[name]) for name in sorted(names) if name in space)


def _resolved(function: Callable[..., Any]) -> Callable[..., Any]:
    """Copy of `function` whose recorded globals are replaced by their Numba objects."""
    space = dict(function.__globals__)
    for name, value in _globals_of(function):
        if isinstance(value, Recorded):
            space[name] = value.compiled
    copy = types.FunctionType(function.__code__, space, function.__name__, function.__defaults__, function.__closure__)
    copy.__qualname__, copy.__module__ = function.__qualname__, function.__module__
    return copy


def _with_cache(recorded: Recorded, build: Callable[[], tuple[Any, int]], enable: Callable[[], None]) -> Any:
    """Run `build` with Numba's cache pointed at the folder of this function's fingerprint."""
    global _compilations
    import numba

    folder = cache_directory() / f"k-{fingerprint(recorded)}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        usable = os.access(folder, os.W_OK)
    except OSError:
        usable = False
    if not usable:
        warnings.warn(
            f"cannot write compiled code to {folder}: kernels are compiled again in each process; "
            "set NEUROSIM_CACHE_DIR to a folder that can be written",
            stacklevel=2,
        )
        import tempfile

        folder = Path(tempfile.mkdtemp(prefix="neurosim-"))
    fresh = not any(folder.rglob("*.nbi"))
    if fresh:
        for listener in _listeners:
            listener(recorded.__name__)
    previous = numba.config.CACHE_DIR  # type: ignore[attr-defined]
    numba.config.CACHE_DIR = str(folder)  # type: ignore[attr-defined]
    try:
        enable()
        result, hits = build()
    finally:
        numba.config.CACHE_DIR = previous  # type: ignore[attr-defined]
    if not hits:
        _compilations += 1
    return result
