"""Discrete-time equivalents of signal graphs, their rules, certificates and training.

``neurosim.digital`` is this package once any file of it was imported, and before that the function
`neurosim.digital.network.digital`: so the package can be called like the function.
"""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any


class _CallablePackage(ModuleType):
    def __call__(self, *arguments: Any, **options: Any) -> Any:
        from neurosim.digital.network import digital

        return digital(*arguments, **options)


sys.modules[__name__].__class__ = _CallablePackage
