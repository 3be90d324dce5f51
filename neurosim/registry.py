"""Find things by name in a folder: one file is one device, method, analysis, plot or format.

There are no hand-kept lists. A registry imports the modules of one package, takes the object that each declares, and
adds what installed third-party packages offer under an entry point group, on equal terms.
"""

from __future__ import annotations

import importlib
import importlib.util
import pkgutil
import sys
import threading
import types
import warnings
from collections.abc import Iterator
from typing import Any, Generic, TypeVar

from neurosim.errors import Note, ParameterError, UnknownNameError, nearest

T = TypeVar("T")

plugins_enabled = True
"""Whether entry points are read; ``--no-plugins`` sets it to False before anything is looked up."""


class PluginWarning(UserWarning):
    """A third-party entry point that could not be used."""


class Registry(Generic[T]):
    """The named objects of one kind, found on first use.

    Parameters
    ----------
    kind : str
        What the objects are, in messages: ``"device"``.
    package : str
        Package whose modules are scanned, ``"neurosim.devices"``. Modules that begin with an underscore, and
        subpackages, are left out.
    attribute : str
        Name of the module-level object, or tuple of objects, that a module declares. Modules without it are ignored.
    entry_point_group : str
        Entry point group of third-party packages; an entry point loads one object, a tuple of objects, or a module
        that has `attribute`.

    Notes
    -----
    Every object has a ``name`` (str); it may have ``aliases`` (tuple of str), which `get` accepts and `names` leaves
    out. Case does not matter.
    """

    def __init__(self, kind: str, package: str, attribute: str, entry_point_group: str) -> None:
        self.kind, self.package, self.attribute, self.entry_point_group = kind, package, attribute, entry_point_group
        self._objects: dict[str, T] = {}
        self._lookup: dict[str, tuple[str, str]] = {}
        self._notes: list[Note] = []
        self._scanned = self._is_scanning = False
        self._lock = threading.RLock()

    @property
    def notes(self) -> tuple[Note, ...]:
        """Remarks about plugins that could not be used, each naming its entry point."""
        self._scan()
        return tuple(self._notes)

    def names(self) -> list[str]:
        """All names, sorted, without aliases."""
        self._scan()
        return sorted(self._objects)

    def get(self, name: str) -> T:
        """Return the object called `name` (or one of its aliases), whatever the case.

        Raises
        ------
        UnknownNameError
            No such name; the message proposes the nearest ones.
        """
        if not self._scanned and (item := self._of_its_module(name.casefold())) is not None:
            return item
        self._scan()
        found = self._lookup.get(name.casefold())
        if found is None:
            raise UnknownNameError(f"unknown {self.kind} '{name}'; {nearest(name, self._objects)}".rstrip("; "))
        return self._objects[found[0]]

    def origin(self, name: str) -> str:
        """Return the module that declares `name`, or the plugin that brought it, as text for people.

        Raises
        ------
        UnknownNameError
            No such name.
        """
        self._scan()
        self.get(name)
        return self._lookup[name.casefold()][1]

    def add(self, item: T, place: str) -> None:
        """Add one object at run time.

        Parameters
        ----------
        item : T
            Has ``name`` and perhaps ``aliases``.
        place : str
            Where it comes from, for messages.

        Raises
        ------
        ParameterError
            The name or an alias is taken (both places are named), or there is no name.
        """
        self._scan()
        self._add(item, place)

    def __iter__(self) -> Iterator[T]:
        """Go through the objects in the order of their names."""
        for name in self.names():
            yield self._objects[name]

    def __len__(self) -> int:
        self._scan()
        return len(self._objects)

    def __contains__(self, name: object) -> bool:
        self._scan()
        return isinstance(name, str) and name.casefold() in self._lookup

    def __repr__(self) -> str:
        return f"Registry({self.kind!r}, {self.package!r})"

    def _of_its_module(self, name: str) -> T | None:
        """What the module of this name declares under it: looking for one thing need not load all."""
        if not name.isidentifier() or name.startswith("_"):
            return None
        place = f"{self.package}.{name}"
        if importlib.util.find_spec(place) is None:
            return None
        declared = getattr(importlib.import_module(place), self.attribute, ())
        items = declared if isinstance(declared, tuple) else (declared,)
        return next((item for item in items if getattr(item, "name", "").casefold() == name), None)

    def _scan(self) -> None:
        if self._scanned:
            return
        with self._lock:
            # A module that looks into its own registry while it is imported must not scan again.
            if self._scanned or self._is_scanning:
                return
            self._is_scanning = True
            try:
                self._scan_all()
                self._scanned = True
            finally:
                self._is_scanning = False

    def _scan_all(self) -> None:
        try:
            package = importlib.import_module(self.package)
            for module in sorted(pkgutil.iter_modules(package.__path__), key=lambda found: found.name):
                if not module.ispkg and not module.name.startswith("_"):
                    self._take(importlib.import_module(f"{self.package}.{module.name}"), module.name)
        except BaseException:
            self._objects.clear()
            self._lookup.clear()
            raise
        if plugins_enabled:
            self._read_entry_points()

    def _take(self, module: Any, name: str) -> None:
        declared = getattr(module, self.attribute, ())
        for item in declared if isinstance(declared, tuple) else (declared,):
            self._add(item, f"{self.package}.{name}")

    def _read_entry_points(self) -> None:
        import importlib.metadata

        points = importlib.metadata.entry_points(group=self.entry_point_group)
        for point in sorted(points, key=lambda found: (found.name, found.value)):
            package = f" of package {point.dist.name}" if point.dist else ""
            place = f"plugin '{point.name}' ({point.value}){package}"
            try:
                loaded = point.load()
                if not hasattr(loaded, "name"):
                    loaded = getattr(loaded, self.attribute, loaded)
                for item in loaded if isinstance(loaded, tuple) else (loaded,):
                    self._add(item, place)
            except Exception as error:  # a foreign package may fail in any way; the others must stay usable
                note = Note(
                    f"{self.kind} {place} cannot be used: {type(error).__name__}: {error}",
                    hint="uninstall or repair it, or run with --no-plugins",
                )
                self._notes.append(note)
                warnings.warn(str(note), PluginWarning, stacklevel=2)

    def _add(self, item: T, place: str) -> None:
        name = getattr(item, "name", None)
        if not isinstance(name, str) or not name:
            raise ParameterError(f"{place} declares a {self.kind} without a name: {item!r}")
        spellings = {spelling.casefold() for spelling in (name, *getattr(item, "aliases", ()))}
        for spelling in sorted(spellings):
            if spelling in self._lookup:
                first_name, first_place = self._lookup[spelling]
                raise ParameterError(
                    f"{self.kind} name '{spelling}' is declared twice: "
                    f"as '{first_name}' in {first_place} and as '{name}' in {place}"
                )
        self._objects[name] = item
        for spelling in spellings:
            self._lookup[spelling] = (name, place)


def offer_functions(registry: Registry[Any]) -> None:
    """Make ``package.name`` the function ``build`` of the object of this name, loaded when it is asked for.

    Importing a file puts its module in the place of the function of the same name; here it does not.
    """

    class Package(types.ModuleType):
        def __setattr__(self, name: str, value: Any) -> None:
            declared = getattr(value, registry.attribute, None) if isinstance(value, types.ModuleType) else None
            items: Any = declared if isinstance(declared, tuple) else (declared,)
            build = next((item.build for item in items if getattr(item, "name", None) == name), value)
            super().__setattr__(name, build)

        def __getattr__(self, name: str) -> Any:
            try:
                if not name.startswith("_"):
                    return registry.get(name).build
            except UnknownNameError as error:
                raise AttributeError(f"module '{self.__name__}' has no attribute '{name}': {error}") from None
            raise AttributeError(f"module '{self.__name__}' has no attribute '{name}'")

        def __dir__(self) -> list[str]:
            return sorted({*super().__dir__(), *registry.names()})

    sys.modules[registry.package].__class__ = Package
