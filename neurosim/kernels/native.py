"""Compiled functions as files of machine code: kept, checked, loaded and called without a compiler.

Loading Numba takes longer than most simulations. A compiled function is therefore kept as its bare object code, with a
header in JSON that says how it is called and which symbols it needs; the LLVM linker loads it in less than a
millisecond, when something first calls it (`Binding`). Every function takes the address of a block of 8-byte words, its
arguments followed by room for its results, and returns 0, or 1 where an exception was raised inside. In the block a
number is one word; an array is its address and its extents; a named tuple of arrays is the address of a block of its
own.

Machine code is trusted only if nobody but the user (or root) could have written it: files get mode 0600.
"""

from __future__ import annotations

import contextlib
import ctypes
import functools
import hashlib
import itertools
import json
import os
import shutil
import stat
import struct
import sys
import tempfile
import threading
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

ENTRY = "neurosim_entry"
"""Symbol of the one function that a piece of machine code exports."""

_T = TypeVar("_T", bound=tuple)
_NO_BYTES = ctypes.c_char * 0
_FUNCTION = ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_void_p)
_numbers = itertools.count()
_loaded: list[Any] = []
_failures: dict[int, BaseException] = {}


@dataclass(frozen=True)
class MachineCode:
    """One compiled function.

    Attributes
    ----------
    parameters : sequence
        For each argument ``"i8"`` or ``"f8"`` (a number), ``[dtype, dimensions]`` (a C-contiguous array), or a list of
        such arrays (a named tuple).
    results : sequence of str
        ``"i8"`` or ``"f8"`` for each number that it returns.
    imports : sequence of str
        Symbols that it needs.
    code : bytes
        Object file.
    """

    parameters: Sequence[Any]
    results: Sequence[str]
    imports: Sequence[str]
    code: bytes


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
    size = cache_size()
    for path in cache_directory().glob("k-*"):
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
    return size


def cache_size() -> int:
    """Bytes of compiled code on disk."""
    found = cache_directory().glob("k-*")
    files = itertools.chain.from_iterable(path.rglob("*") if path.is_dir() else (path,) for path in found)
    return sum(path.stat().st_size for path in files if path.is_file())


def read(fingerprint: str) -> MachineCode | None:
    """The compiled function with this fingerprint; None if there is none that is whole and ours."""
    try:
        with open(cache_directory() / f"k-{fingerprint}", "rb") as file:
            if not _is_ours(os.fstat(file.fileno())):
                return None
            content = file.read()
    except OSError:
        return None
    checksum, _, rest = content.partition(b"\n")
    if checksum.decode(errors="replace") != hashlib.sha256(rest).hexdigest():
        return None
    header, _, code = rest.partition(b"\n")
    fields = json.loads(header)
    # A file that was given another name is whole too.
    return MachineCode(**fields, code=code) if fields.pop("fingerprint") == fingerprint else None


def write(fingerprint: str, function: MachineCode) -> None:
    """Keep a compiled function; warn where that cannot be done."""
    fields = {
        "fingerprint": fingerprint,
        "parameters": function.parameters,
        "results": function.results,
        "imports": function.imports,
    }
    rest = json.dumps(fields).encode() + b"\n" + function.code
    folder = cache_directory()
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(prefix="k-", suffix=".part", dir=folder)
        try:
            with open(handle, "wb") as file:
                file.write(hashlib.sha256(rest).hexdigest().encode() + b"\n" + rest)
            kept = _is_ours(os.stat(temporary))
            os.replace(temporary, folder / f"k-{fingerprint}")
        except BaseException:
            with contextlib.suppress(OSError):
                os.unlink(temporary)
            raise
    except OSError:
        kept = False
    if not kept:
        warnings.warn(
            f"cannot keep compiled code in {folder}: kernels are compiled again in each process; "
            "set NEUROSIM_CACHE_DIR to a folder that only you can write",
            stacklevel=2,
        )


def _is_ours(status: os.stat_result) -> bool:
    """Whether nobody but this user or root can have written a file."""
    if not hasattr(os, "geteuid"):
        return True
    return (
        stat.S_ISREG(status.st_mode)
        and status.st_uid in (0, os.geteuid())
        and not status.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
    )


@functools.cache
def machine_key() -> tuple[str, ...]:
    """What machine code depends on beside its source: the processor, and the compiler with its settings."""
    from importlib.metadata import version

    import llvmlite.binding as llvm

    settings = (f"{key}={value}" for key, value in sorted(os.environ.items()) if key.startswith("NUMBA_"))
    versions = sys.version, version("numba"), version("llvmlite"), np.__version__
    return (*versions, llvm.get_process_triple(), llvm.get_host_cpu_name(), processor_features(), *settings)


def processor_features() -> str:
    """What compiled code may use of the processor, as LLVM takes it."""
    import llvmlite.binding as llvm

    features = llvm.get_host_cpu_features().flatten()
    # Reading numbers from places that follow each other evenly takes four times as long by x86's gather instructions.
    is_x86 = llvm.get_process_triple().startswith(("x86", "i686"))
    return f"{features},+prefer-no-gather,+prefer-no-scatter" if is_x86 else features


@functools.cache
def _linker() -> Any:
    import llvmlite.binding as llvm

    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    return llvm.create_lljit_compiler(suppress_errors=True)


def load(function: MachineCode, known: Mapping[str, int]) -> int:
    """Link machine code into this process.

    Parameters
    ----------
    function : MachineCode
    known : mapping from str to int
        Addresses of symbols of ours.

    Returns
    -------
    int
        Address of the function; valid until the process ends.

    Raises
    ------
    RuntimeError
        When a symbol is missing, or the code is not for this machine.
    """
    try:
        return _link(function.code, known)
    except RuntimeError:
        # Code that allocates arrays calls functions of Numba.
        from neurosim.kernels.compiler import addresses_in_numba

        return _link(function.code, {**addresses_in_numba(function.imports), **known})


def _link(code: bytes, symbols: Mapping[str, int]) -> int:
    import llvmlite.binding as llvm

    library = llvm.JITLibraryBuilder().add_object_img(code).export_symbol(ENTRY).add_current_process()
    for symbol, address in symbols.items():
        library.import_symbol(symbol, address)
    linked = library.link(_linker(), f"{ENTRY}_{next(_numbers)}")
    _loaded.append(linked)
    return linked[ENTRY]


class Binding:
    """A word of memory through which compiled code calls a function that is only found when it is first called.

    Parameters
    ----------
    find : callable
        Returns the function's address.

    Attributes
    ----------
    address : int
        Address of the word; valid until the process ends.
    """

    def __init__(self, find: Callable[[], int]) -> None:
        self._find = find
        self._entry = _FUNCTION(self._bind)
        self._word = ctypes.c_void_p(ctypes.cast(self._entry, ctypes.c_void_p).value)
        self.address = ctypes.addressof(self._word)
        _loaded.append(self)

    def _bind(self, block: Any) -> int:
        try:
            self._word.value = self._find()
            return _FUNCTION(self._word.value or 0)(block)
        except BaseException as error:  # the C frame above cannot pass an exception on
            _failures[threading.get_ident()] = error
            return 1


def by_address(named_tuple: type[_T]) -> type[_T]:
    """Let a class of named tuples of arrays remember its block of words, so that it is laid out once.

    The block is neither copied nor pickled.
    """
    own = {"__doc__": named_tuple.__doc__, "__module__": named_tuple.__module__, "__getstate__": lambda self: None}
    return type(named_tuple.__name__, (named_tuple,), own)  # type: ignore[return-value]


class Call:
    """Calls a loaded function with Python arguments; other threads run meanwhile.

    Parameters
    ----------
    name : str
    argument_names : sequence of str
    function : MachineCode
    address : int

    Raises
    ------
    TypeError
        On a call: an argument is not what was compiled for. Arrays are never converted, because what the function
        writes would be lost.
    RuntimeError
        On a call: an exception was raised inside.
    """

    def __init__(self, name: str, argument_names: Sequence[str], function: MachineCode, address: int) -> None:
        self._name, self._argument_names = name, argument_names
        self._kinds = [_kind(parameter) for parameter in function.parameters]
        self._puts = [kind.put for kind in self._kinds]
        self._arguments = struct.Struct("=" + "".join(kind.format for kind in self._kinds))
        self._results = struct.Struct("=" + "".join(_Number(result).format for result in function.results))
        self._block = ctypes.c_char * (self._arguments.size + self._results.size)
        self._entry = _FUNCTION(address)

    def __call__(self, *arguments: Any) -> Any:
        return self.run(self.lay_out(arguments))

    def lay_out(self, arguments: Sequence[Any]) -> Any:
        """Check arguments and put them into a block of words, for `run`.

        The block holds addresses: it is good as long as all its arrays live, and for one thread at a time.
        """
        if len(arguments) != len(self._puts):
            raise TypeError(f"{self._name}() takes {len(self._puts)} arguments, {len(arguments)} given")
        block, words = self._block(), []
        try:
            for put, value in zip(self._puts, arguments):
                put(value, words)
            self._arguments.pack_into(block, 0, *words)
        except (TypeError, ValueError, struct.error) as error:
            raise self._refusal(arguments) from error
        return block

    def run(self, block: Any) -> Any:
        """Call with the arguments of a block, as often as wanted."""
        failed = self._entry(block)
        if _failures and (error := _failures.pop(threading.get_ident(), None)):
            raise error
        if failed:
            raise RuntimeError(f"{self._name}() raised an exception in compiled code; do the shapes of its arrays fit?")
        found = self._results.unpack_from(block, self._arguments.size)
        return found if len(found) > 1 else found[0] if found else None

    def _refusal(self, arguments: Sequence[Any]) -> TypeError:
        """Say which argument is wrong."""
        for name, kind, value in zip(self._argument_names, self._kinds, arguments):
            words: list[Any] = []
            try:
                kind.put(value, words)
                struct.pack("=" + kind.format, *words)
            except (TypeError, ValueError, struct.error) as error:
                return TypeError(f"{self._name}(): argument '{name}' must be {kind.expected}: {error}")
        raise AssertionError("every argument is right")


class _Number:
    """int64 or float64."""

    def __init__(self, dtype: str) -> None:
        self.format = "d" if dtype == "f8" else "q"
        self.expected = "a number" if dtype == "f8" else "an integer"

    def put(self, value: Any, words: list[Any]) -> None:
        words.append(value)


class _Array:
    """Address and extents of a C-contiguous array."""

    def __init__(self, dtype: str, dimensions: int) -> None:
        self.dtype, self.dimensions = np.dtype(dtype), dimensions
        self.format = "q" * (1 + dimensions)
        self.expected = f"a writable contiguous array of {self.dtype} with {dimensions} dimension(s)"

    def put(self, value: Any, words: list[Any]) -> None:
        if not isinstance(value, np.ndarray):
            raise TypeError(f"{type(value).__name__} given")
        if value.dtype != self.dtype or value.ndim != self.dimensions:
            raise TypeError(f"{value.dtype} with {value.ndim} dimension(s) given")
        memory: Any = value
        # This refuses arrays that are read-only or not contiguous.
        address = ctypes.addressof(_NO_BYTES.from_buffer(memory))
        if address % self.dtype.alignment:
            raise TypeError("its address is not aligned")
        words += address, *value.shape


class _Tuple:
    """Address of the block of a named tuple of arrays."""

    format = "q"

    def __init__(self, fields: Sequence[Any]) -> None:
        self.key = sys.intern(json.dumps(fields))
        self.fields = [_Array(*field) for field in fields]
        self.expected = f"a named tuple of {len(fields)} arrays"

    def put(self, value: Any, words: list[Any]) -> None:
        laid_out = getattr(value, "_laid_out", None)
        if laid_out is None or laid_out[0] is not self.key:
            laid_out = value._laid_out = (self.key, self._lay_out(value))
        words.append(ctypes.addressof(laid_out[1]))

    def _lay_out(self, value: Any) -> Any:
        names = getattr(value, "_fields", ())
        if len(names) != len(self.fields):
            raise TypeError(f"{type(value).__name__} given")
        words: list[int] = []
        for name, kind, array in zip(names, self.fields, value):
            try:
                kind.put(array, words)
            except (TypeError, ValueError) as error:
                raise TypeError(f"its field '{name}' must be {kind.expected}: {error}") from error
        return (ctypes.c_int64 * len(words))(*words)


def _kind(parameter: Any) -> _Number | _Array | _Tuple:
    if isinstance(parameter, str):
        return _Number(parameter)
    return _Array(*parameter) if isinstance(parameter[0], str) else _Tuple(parameter)
