"""A named tuple of arrays that compiled functions hand to each other as one address.

Numba passes a tuple of 40 arrays as 280 numbers in every call, counts a reference for each, and spends most of its
compile time on that. The type made here is a pointer to the tuple: attributes are read from memory where they are
used, nothing is counted (Python owns the arrays while the loop runs), and calls cost as much as those of a C function.
The arrays behind the pointer must not be stored anywhere or returned.

This module loads Numba: import it only where something is about to be compiled. The type is defined at its top level
so that Numba's cache recognises it in the next process.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from llvmlite import ir
from numba.core import cgutils, types
from numba.core.typeconv.rules import default_type_manager
from numba.core.typing.templates import AttributeTemplate
from numba.extending import NativeValue, infer_getattr, lower_getattr_generic, models, register_model, unbox
from numba.np.arrayobj import make_array


class TuplePointer(types.Type):
    """Address of a named tuple of arrays."""

    def __init__(self, pointee: Any) -> None:
        self.pointee = pointee
        super().__init__(f"TuplePointer({pointee.name})")


@register_model(TuplePointer)
class TuplePointerModel(models.PrimitiveModel):
    """Stored as a plain pointer."""

    def __init__(self, manager: Any, kind: Any) -> None:
        super().__init__(manager, kind, manager[kind.pointee].get_value_type().as_pointer())


@infer_getattr
class TuplePointerAttributes(AttributeTemplate):
    """Attributes are those of the tuple."""

    key = TuplePointer

    def generic_resolve(self, kind: Any, name: str) -> Any:
        """Type of one field."""
        return kind.pointee.types[kind.pointee.fields.index(name)] if name in kind.pointee.fields else None


@lower_getattr_generic(TuplePointer)
def _load_array(context: Any, builder: Any, kind: Any, pointer: Any, name: str) -> Any:
    index = kind.pointee.fields.index(name)
    array_type = kind.pointee.types[index]
    stored = make_array(array_type)(context, builder, ref=cgutils.gep_inbounds(builder, pointer, 0, index))
    array = make_array(array_type)(context, builder)
    for member in ("data", "shape", "strides", "nitems"):
        value = builder.load(stored._get_ptr_by_name(member))
        # Neither addresses nor shapes change during a call, whatever is written to the arrays.
        value.set_metadata("invariant.load", builder.module.add_metadata([]))
        setattr(array, member, value)
    size = context.get_abi_sizeof(context.get_data_type(array_type.dtype))
    array.itemsize = context.get_constant(types.intp, size)
    for member in ("meminfo", "parent"):
        setattr(array, member, ir.Constant(getattr(array, member).type, None))
    return array._getvalue()


@unbox(TuplePointer)
def _unbox(kind: Any, obj: Any, c: Any) -> Any:
    native = c.unbox(kind.pointee, obj)
    place = cgutils.alloca_once_value(c.builder, native.value)
    return NativeValue(place, is_error=native.is_error, cleanup=native.cleanup)


def tuple_pointer(fields: Sequence[Any], named_tuple: type) -> Any:
    """Numba type of the address of a `named_tuple` whose fields are arrays of the types in `fields`."""
    pointee = types.NamedTuple(list(fields), named_tuple)
    kind = TuplePointer(pointee)
    default_type_manager.set_safe_convert(pointee, kind)
    return kind
