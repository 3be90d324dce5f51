"""Write a file whole or not at all."""

from __future__ import annotations

import contextlib
import os
import secrets
import stat
from collections.abc import Iterator
from pathlib import Path

from neurosim.errors import FormatError

TEMPORARY_SUFFIX = ".part"


@contextlib.contextmanager
def atomic_write(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Hand out a temporary path in the same folder; put it in place of `path` when the block ends without error.

    Parameters
    ----------
    path : path
        The final name. A link is followed. An existing file keeps its permissions. A device or pipe (``/dev/stdout``)
        cannot be replaced and is written directly.

    Yields
    ------
    pathlib.Path
        An empty file, ``.<name>.<random>.part``. A killed process can leave it behind, but never a broken file under
        the final name.

    Raises
    ------
    FormatError
        The folder does not exist or is not writable, the path is a folder, or the disk refuses.
    """
    target = Path(path)
    if _is_stream(target):
        with _disk_errors(target):
            yield target
        return
    target = Path(os.path.realpath(target))
    if target.is_dir():
        raise FormatError(f"cannot write '{path}': it is a folder; give a file name in it")
    if not target.parent.is_dir():
        raise FormatError(f"cannot write '{path}': the folder '{target.parent}' does not exist; make it first")
    # 200 bytes leave room for the random part below the usual limit of 255.
    kept = os.fsdecode(os.fsencode(target.name)[:200])
    temporary = target.with_name(f".{kept}.{secrets.token_hex(6)}{TEMPORARY_SUFFIX}")
    with _disk_errors(path):
        os.close(os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
    try:
        with _disk_errors(path):
            yield temporary
            if target.exists():
                os.chmod(temporary, stat.S_IMODE(target.stat().st_mode))
            _flush_to_disk(temporary)
            os.replace(temporary, target)
    except BaseException:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise
    # The file is complete; a file system that cannot flush folders only loses the guarantee after a power cut.
    with contextlib.suppress(OSError):
        _flush_to_disk(target.parent)


def _is_stream(path: Path) -> bool:
    if str(path).startswith("/dev/"):
        return True
    try:
        mode = path.stat().st_mode
    except OSError:
        return False
    return not (stat.S_ISREG(mode) or stat.S_ISDIR(mode))


def _flush_to_disk(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextlib.contextmanager
def _disk_errors(path: object) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise FormatError(f"cannot write '{path}': {error.strerror or error}") from error
