"""The files of one netlist: where includes may lie, how many and how large, and the digest of all that was read."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from neurosim.circuit.lexer import SourceFile, decode, split_lines
from neurosim.errors import Location, NetlistError


@dataclass(frozen=True, slots=True)
class Limits:
    """What a netlist may cost before it is refused.

    Parameters
    ----------
    instances : int, default 1,000,000
        Parts after the expansion of subcircuits.
    subcircuit_depth : int, default 64
        Nesting of subcircuit instances (and of definitions).
    include_depth : int, default 16
        Nesting of included files.
    characters : int, default 200,000,000
        Size of all files together.
    points : int, default 1,000,000
        Values of all sweeps and frequencies together.
    """

    instances: int = 1_000_000
    subcircuit_depth: int = 64
    include_depth: int = 16
    characters: int = 200_000_000
    points: int = 1_000_000


class Files:
    """Opens included files.

    Parameters
    ----------
    folder : Path
        The netlist's folder; includes must lie below it.
    allow_include : bool
        Whether they may lie anywhere.
    """

    def __init__(self, folder: Path, allow_include: bool, limits: Limits) -> None:
        self.folder, self.allow_include, self.limits = folder, allow_include, limits
        self.open_files: list[Path] = []
        self.characters = 0
        self._texts: list[str] = []

    @property
    def digest(self) -> str:
        """SHA-256 of everything read so far, in order."""
        digest = hashlib.sha256()
        for text in self._texts:
            digest.update(text.encode("utf-8", "surrogatepass"))
        return digest.hexdigest()

    def take(self, path: str, folder: Path, text: str, location: Location | None = None) -> SourceFile:
        """Count `text` and split it into lines."""
        self.characters += len(text)
        if self.characters > self.limits.characters:
            raise NetlistError(f"the netlist has more than {self.limits.characters} characters", location)
        self._texts.append(text)
        return SourceFile(path, str(folder), split_lines(text))

    def resolve(self, name: str, folder: str, location: Location | None) -> Path:
        """Path of the file `name`, looked for in `folder`, then in the netlist's folder.

        Raises
        ------
        NetlistError
            If it does not exist, is not an ordinary file, or lies outside the netlist's folder.
        """
        written = Path(name.replace("\\", "/"))
        candidates = [Path(folder) / written, self.folder / written]
        try:
            resolved = [candidate.resolve() for candidate in candidates]
            inside = [self.allow_include or path.is_relative_to(self.folder.resolve()) for path in resolved]
            exists = [allowed and path.is_file() for path, allowed in zip(resolved, inside)]
        except (OSError, ValueError, RuntimeError) as error:
            raise NetlistError(f"'{name[:200]}' is not a usable file name ({error})", location) from None
        for path, found in zip(resolved, exists):
            if found:
                return path
        if not any(inside):
            raise NetlistError(
                f"'{name}' lies outside the netlist's folder {self.folder}",
                location,
                hint="allow it with --allow-include, or allow_include=True in Python",
            )
        raise NetlistError(f"there is no file '{name}' in {self.folder}", location)

    def open(self, name: str, source: SourceFile, location: Location) -> SourceFile | None:
        """Read an included file; call `close` when its cards are done."""
        path = self.resolve(name, source.folder, location)
        if path in self.open_files and self.open_files.count(path) > 1:
            chain = " > ".join(p.name for p in [*self.open_files, path])
            raise NetlistError(f"'{name}' includes itself: {chain}", location)
        if len(self.open_files) >= self.limits.include_depth:
            raise NetlistError(f"includes nested deeper than {self.limits.include_depth}", location)
        try:
            size = path.stat().st_size
            if self.characters + size // 4 > self.limits.characters:
                raise NetlistError(f"'{name}' has {size} bytes; the limit is exceeded", location)
            data = path.read_bytes()
        except OSError as error:
            raise NetlistError(f"'{name}' cannot be read: {error.strerror}", location) from None
        self.open_files.append(path)
        shown = (
            str(path.relative_to(self.folder.resolve())) if path.is_relative_to(self.folder.resolve()) else str(path)
        )
        return self.take(shown, path.parent, decode(data), location)

    def close(self) -> None:
        """Leave the file opened last."""
        self.open_files.pop()
