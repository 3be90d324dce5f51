"""Recorded functions to machine code, by Numba.

This module loads Numba: import it only where something is about to be compiled.
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import llvmlite.binding as llvm
import numba
from llvmlite import ir
from numba import types
from numba.core import cgutils, config
from numba.core.codegen import JITCodeLibrary
from numba.core.compiler_lock import global_compiler_lock
from numba.core.errors import TypingError
from numba.core.registry import cpu_target
from numba.extending import intrinsic, overload
from numba.np import arrayobj
from numba.np.numpy_support import as_dtype

from neurosim.kernels.native import ENTRY, MachineCode, processor_features
from neurosim.kernels.tuple_pointer import WORD, TuplePointer, array_at, array_value

_settings: Any = config
if _settings.CPU_FEATURES is None:
    # Numba decides what becomes a vector instruction; it reads this when it compiles for the first time.
    _settings.CPU_FEATURES = processor_features()

_POINTER = ir.IntType(8).as_pointer()
REAL, INTEGER = types.float64, types.int64

_STAND_INS: dict[str, tuple[Any, str | None]] = {
    "NRT_Allocate": (ir.FunctionType(_POINTER, [WORD]), "malloc"),
    "NRT_Free": (ir.FunctionType(ir.VoidType(), [_POINTER]), "free"),
    "NRT_MemInfo_alloc": (ir.FunctionType(_POINTER, [WORD]), None),
    "NRT_MemInfo_call_dtor": (ir.FunctionType(ir.VoidType(), [_POINTER]), None),
    "numba_nextafter": (ir.FunctionType(ir.DoubleType(), [ir.DoubleType()] * 2), "nextafter"),
}
"""What code that allocates no arrays still asks Numba for, and what does it as well: room for slices that overlap, the
text of an error's message (without memory there is another error instead), the end of an array (there is none)."""


def translate(function: Callable[..., Any]) -> Any:
    """Numba's dispatcher of a function that only compiled code calls."""
    # Without the wrappers for Python compiling takes about 30 % less time.
    options = {"nogil": True, "error_model": "numpy", "no_cpython_wrapper": True, "no_cfunc_wrapper": True}
    return numba.njit(**options)(function)


def compile_words(function: Callable[..., Any], signature: Any) -> tuple[MachineCode, bool]:
    """Compile a function that takes a block of words (`neurosim.kernels.native`).

    Arguments may be int64, float64, contiguous arrays, and named tuples of arrays (`TuplePointer`); results int64,
    float64 and tuples of them.

    Returns
    -------
    MachineCode
    bool
        Whether another process can use it too.
    """
    results = _results(signature)

    def generate(context: Any, builder: Any, call: Callable[[Sequence[Any]], Any], block: Any) -> None:
        arguments, place = [], 0
        for kind in signature.args:
            at = cgutils.gep_inbounds(builder, block, place)
            if isinstance(kind, types.Array):
                arguments.append(array_at(context, builder, kind, at))
            else:
                arguments.append(builder.load(builder.bitcast(at, context.get_value_type(kind).as_pointer())))
            place += _words(kind)
        status, found = call(arguments)
        values = cgutils.unpack_tuple(builder, found) if isinstance(signature.return_type, types.BaseTuple) else [found]
        for k, kind in enumerate(results):
            at = cgutils.gep_inbounds(builder, block, place + k)
            builder.store(values[k], builder.bitcast(at, context.get_value_type(kind).as_pointer()))
        builder.ret(builder.zext(status.is_error, WORD))

    code, imports, portable = _machine_code(function, signature, ir.FunctionType(WORD, [WORD.as_pointer()]), generate)
    parameters = [_described(kind) for kind in signature.args]
    return MachineCode(parameters, [_described(kind) for kind in results], imports, code), portable


def compile_law(function: Callable[..., Any], context_size: int) -> tuple[MachineCode, bool]:
    """Compile a device law to the C function ``KERNEL_SIGNATURE``; a law that raises an exception gives NaN."""
    vector, matrix, cube = (types.Array(REAL, ndim, "C") for ndim in (1, 2, 3))
    code_type = types.Array(INTEGER, 1, "C")
    signature = types.void(vector, matrix, matrix, matrix, vector, code_type, matrix, cube)

    def generate(context: Any, builder: Any, call: Callable[[Sequence[Any]], Any], *pointers: Any) -> None:
        dims = builder.bitcast(pointers[1], WORD.as_pointer())
        nu, n_p, nm, n_table, n_code, nf, w = (builder.load(cgutils.gep(builder, dims, k)) for k in range(7))
        shapes = [
            [context.get_constant(INTEGER, context_size)], [nu, w], [n_p, w], [nm, w], [n_table], [n_code], [nf, w],
            [nf, nu, w],
        ]  # fmt: skip
        arrays = []
        for kind, data, shape in zip(signature.args, (pointers[0], *pointers[2:]), shapes, strict=True):
            typed = builder.bitcast(data, context.get_data_type(kind.dtype).as_pointer())
            arrays.append(array_value(context, builder, kind, typed, shape))
        status, _ = call(arrays)
        flows = builder.bitcast(pointers[7], ir.DoubleType().as_pointer())
        with builder.if_then(status.is_error, likely=False), cgutils.for_range(builder, builder.mul(nf, w)) as loop:
            builder.store(ir.Constant(ir.DoubleType(), float("nan")), builder.gep(flows, [loop.index]))
        builder.ret_void()

    c_type = ir.FunctionType(ir.VoidType(), [_POINTER] * 9)
    code, imports, portable = _machine_code(function, signature, c_type, generate)
    return MachineCode([], [], imports, code), portable


def _raise_shapes_differ(given, wanted): ...


@overload(_raise_shapes_differ)
def _refuse_shapes(given, wanted):
    def refuse(given, wanted):
        raise ValueError("shapes differ")

    return refuse


class _Part(JITCodeLibrary):
    """Code that goes into other code: LLVM optimises it there, not also by itself and in each of its callers.

    What Python calls (a function that the user compiled, met in a law) is finished as Numba does it.
    """

    _is_whole = False

    def get_pointer_to_function(self, name):
        if all(function.is_declaration or function.name != name for function in self._final_module.functions):
            return 0
        self._is_whole = True
        return super().get_pointer_to_function(name)

    def _optimize_final_module(self):
        if self._is_whole:
            super()._optimize_final_module()

    def _finalize_final_module(self):
        if self._is_whole:
            super()._finalize_final_module()
        else:
            self._finalize_dynamic_globals()
            self._finalized = True


@contextlib.contextmanager
def _parts() -> Iterator[None]:
    """While this lasts, Numba compiles to parts, and slices without the code that prints shapes in their errors."""
    context: Any = cpu_target.target_context
    code_generator = context.codegen()
    set_env = code_generator.set_env

    def set_env_of_whole(name: str, env: Any) -> None:
        if code_generator._engine.is_symbol_defined(name):
            set_env(name, env)

    places: Any = arrayobj
    printing = places.raise_with_shape_context
    places.raise_with_shape_context = _raise_shapes_differ
    code_generator._library_class, code_generator.set_env = _Part, set_env_of_whole
    try:
        yield
    finally:
        del code_generator._library_class, code_generator.set_env
        places.raise_with_shape_context = printing


@global_compiler_lock
def _machine_code(function: Any, signature: Any, c_type: Any, generate: Any) -> tuple[bytes, list[str], bool]:
    """Object code of a C function around a Python one, the symbols it needs, and whether it holds no addresses."""
    dispatcher = translate(function)
    with _parts():
        dispatcher.compile(signature)
    (compiled,) = dispatcher.overloads.values()
    context, described, library = compiled.target_context, compiled.fndesc, compiled.library
    module = context.create_module(ENTRY)
    entry = ir.Function(module, c_type, ENTRY)
    builder = ir.IRBuilder(entry.append_basic_block())
    convention = context.call_conv
    kinds = described.restype, described.argtypes
    inner = ir.Function(module, convention.get_function_type(*kinds), described.llvm_func_name)
    generate(context, builder, lambda given: convention.call_function(builder, inner, *kinds, given), *entry.args)

    whole = llvm.parse_bitcode(library.serialize_using_bitcode()[2])
    missing = {value.name for value in whole.functions if value.is_declaration}
    if not any(name.startswith("NRT_") and name not in _STAND_INS for name in missing):
        for name in missing & _STAND_INS.keys():
            _add_stand_in(module, name)
    whole.link_in(llvm.parse_assembly(str(module)))
    for value in (*whole.functions, *whole.global_variables):
        if not value.is_declaration and value.name != ENTRY and not value.name.startswith("llvm."):
            value.linkage = "internal"
    machine = _target_machine()
    passes = llvm.create_pass_builder(machine, llvm.create_pipeline_tuning_options(speed_level=3))
    # First with the references that Numba counts, then without them.
    counted = passes.getModulePassManager()
    counted.add_refprune_pass()
    counted.run(whole, passes)
    passes.getModulePassManager().run(whole, passes)
    values = (*whole.functions, *whole.global_variables)
    imports = [value.name for value in values if value.is_declaration and not value.name.startswith("llvm.")]
    return machine.emit_object(whole), imports, not library.has_dynamic_globals


def _add_stand_in(module: Any, name: str) -> None:
    """Write one of the stand-ins: it calls a function of the C library, or returns 0."""
    kind, other = _STAND_INS[name]
    function = ir.Function(module, kind, name)
    builder = ir.IRBuilder(function.append_basic_block())
    found = [builder.call(ir.Function(module, kind, other), function.args)] if other else []
    if kind.return_type == ir.VoidType():
        builder.ret_void()
    else:
        builder.ret(found[0] if found else ir.Constant(kind.return_type, None))


@functools.cache
def _target_machine() -> Any:
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    target = llvm.Target.from_default_triple()
    return target.create_target_machine(
        cpu=llvm.get_host_cpu_name(), features=processor_features(), opt=3,
        reloc="static" if target.name.startswith("x86") else "default", codemodel="jitdefault", jit=True,
    )  # fmt: skip


def addresses_in_numba(symbols: Sequence[str]) -> dict[str, int]:
    """Addresses of those symbols that are functions of Numba."""
    # Setting the target up registers them with LLVM.
    target: Any = cpu_target.target_context
    target.refresh()
    found = {symbol: llvm.address_of_symbol(symbol) for symbol in symbols}
    return {symbol: address for symbol, address in found.items() if address is not None}


def call_by_symbol(name: str, symbol: str, signature: Any) -> Any:
    """Intrinsic that calls a function made by `compile_words`, whose address it finds at the symbol."""
    results = _results(signature)

    def generate(context: Any, builder: Any, sig: Any, values: Any) -> Any:
        actual_types = sig.args[0].types
        words: list[Any] = []
        for kind, actual, value in zip(
            signature.args, actual_types, cgutils.unpack_tuple(builder, values[0], len(actual_types)), strict=True
        ):
            if isinstance(kind, types.Array):
                array = context.make_array(actual)(context, builder, value)
                words += [builder.ptrtoint(array.data, WORD), *cgutils.unpack_tuple(builder, array.shape, kind.ndim)]
            elif isinstance(kind, TuplePointer):
                words.append(builder.ptrtoint(value, WORD))
            else:
                words.append(builder.bitcast(context.cast(builder, value, actual, kind), WORD))
        size = ir.Constant(WORD, len(words) + len(results))
        block = cgutils.alloca_once(builder, WORD, size=size)
        for place, word in enumerate(words):
            builder.store(word, cgutils.gep(builder, block, place))
        entry = ir.FunctionType(WORD, [WORD.as_pointer()]).as_pointer()
        binding = builder.module.globals.get(symbol) or ir.GlobalVariable(builder.module, entry, symbol)
        status = builder.call(builder.load(binding), [block])
        with builder.if_then(cgutils.is_not_null(builder, status), likely=False):
            context.call_conv.return_user_exc(builder, RuntimeError, (f"{name}() failed",))
        found = []
        for place, kind in enumerate(results, len(words)):
            at = builder.bitcast(cgutils.gep(builder, block, place), context.get_value_type(kind).as_pointer())
            found.append(builder.load(at))
        if isinstance(signature.return_type, types.BaseTuple):
            return context.make_tuple(builder, signature.return_type, found)
        return found[0] if found else context.get_dummy_value()

    @intrinsic
    def call(typing_context, *given):
        for kind, actual in zip(signature.args, given, strict=True):
            if isinstance(kind, types.Array) and actual != kind:
                raise TypingError(f"{name}() takes {kind}, not {actual}")
        return signature.return_type(types.StarArgTuple(given)), generate

    return call


def call_law() -> Any:
    """Intrinsic ``call_kernel(address, context, dims, u, p, memory, table, code, F, D)`` on 1-D contiguous arrays."""

    @intrinsic
    def call_kernel(typing_context, address, context, dims, u, p, memory, table, code, F, D):
        arguments = (context, dims, u, p, memory, table, code, F, D)
        signature = types.void(address, *arguments)

        def generate(target, builder, sig, values):
            function_type = ir.FunctionType(ir.VoidType(), [_POINTER] * len(arguments))
            callee = builder.inttoptr(values[0], function_type.as_pointer())
            data = [
                builder.bitcast(target.make_array(kind)(target, builder, value).data, _POINTER)
                for kind, value in zip(sig.args[1:], values[1:], strict=True)
            ]
            builder.call(callee, data)
            return target.get_dummy_value()

        return signature, generate

    return call_kernel


def _results(signature: Any) -> list[Any]:
    kind = signature.return_type
    return [] if kind == types.void else list(getattr(kind, "types", (kind,)))


def _words(kind: Any) -> int:
    return 1 + kind.ndim if isinstance(kind, types.Array) else 1


def _described(kind: Any) -> Any:
    """What `neurosim.kernels.native` must know of a type."""
    if isinstance(kind, TuplePointer):
        return [_described(field) for field in kind.fields.values()]
    if isinstance(kind, types.Array) and kind.layout == "C":
        return [as_dtype(kind.dtype).str, kind.ndim]
    if kind in (INTEGER, REAL):
        return "i8" if kind == INTEGER else "f8"
    raise TypeError(f"compiled functions cannot take or return {kind}")
