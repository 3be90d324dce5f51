"""Arrays as words, and a named tuple of arrays that compiled functions hand to each other as one address.

Numba passes a tuple of 40 arrays as 280 numbers in every call, counts a reference for each, and spends most of its
compile time on that. The type made here is the address of a block of words: address and extents of each array.
Attributes are read from memory where they are used, nothing is counted (Python owns the arrays while the loop runs),
and calls cost as much as those of a C function. The arrays behind the pointer must not be stored anywhere or returned.

This module loads Numba: import it only where something is about to be compiled.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from llvmlite import ir
from numba.core import cgutils, types
from numba.core.typing.templates import AttributeTemplate
from numba.extending import infer_getattr, lower_getattr_generic, models, register_model
from numba.np.arrayobj import populate_array

WORD = ir.IntType(64)


class TuplePointer(types.Type):
    """Address of the words of a named tuple of arrays."""

    def __init__(self, named_tuple: type, fields: dict[str, Any]) -> None:
        self.fields = fields
        super().__init__(f"TuplePointer({named_tuple.__name__}, {fields})")


@register_model(TuplePointer)
class TuplePointerModel(models.PrimitiveModel):
    """Stored as a plain pointer."""

    def __init__(self, manager: Any, kind: Any) -> None:
        super().__init__(manager, kind, WORD.as_pointer())


@infer_getattr
class TuplePointerAttributes(AttributeTemplate):
    """Attributes are those of the tuple."""

    key = TuplePointer

    def generic_resolve(self, kind: Any, name: str) -> Any:
        """Type of one field."""
        return kind.fields.get(name)


@lower_getattr_generic(TuplePointer)
def _load_array(context: Any, builder: Any, kind: Any, pointer: Any, name: str) -> Any:
    before = list(kind.fields)[: list(kind.fields).index(name)]
    place = sum(1 + kind.fields[other].ndim for other in before)
    return array_at(context, builder, kind.fields[name], cgutils.gep_inbounds(builder, pointer, place))


def array_at(context: Any, builder: Any, kind: Any, words: Any) -> Any:
    """LLVM value of a contiguous array that somebody else keeps alive, from its address and extents at `words`."""
    places = [cgutils.gep_inbounds(builder, words, k) for k in range(1 + kind.ndim)]
    array = context.make_array(kind)(context, builder)
    places[0] = builder.bitcast(places[0], array.data.type.as_pointer())
    values = [builder.load(place) for place in places]
    for value in values:
        # Neither addresses nor extents change during a call, whatever is written to the arrays.
        value.set_metadata("invariant.load", builder.module.add_metadata([]))
    return array_value(context, builder, kind, values[0], values[1:])


def array_value(context: Any, builder: Any, kind: Any, data: Any, shape: Sequence[Any]) -> Any:
    """LLVM value of a contiguous array that somebody else keeps alive."""
    array = context.make_array(kind)(context, builder)
    size = context.get_constant(types.intp, kind.dtype.bitwidth // 8)
    strides, step = [], size
    for extent in reversed(shape):
        strides.insert(0, step)
        step = builder.mul(step, extent)
    populate_array(array, data, shape, strides, size, None, None)
    return array._getvalue()


def tuple_pointer(fields: Sequence[Any], named_tuple: Any) -> Any:
    """Numba type of the address of a `named_tuple` whose fields are arrays of the types in `fields`."""
    return TuplePointer(named_tuple, dict(zip(named_tuple._fields, fields, strict=True)))
