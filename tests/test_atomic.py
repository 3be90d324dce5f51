"""A file is whole or not there: after errors, bad places, and SIGKILL in the middle of writing."""

import os
import random
import signal
import stat
import subprocess
import sys
import time

import pytest

from neurosim.atomic import atomic_write
from neurosim.errors import FormatError


def test_replaces_and_leaves_nothing_beside(tmp_path):
    path = tmp_path / "out.csv"
    path.write_text("old")
    with atomic_write(path) as temporary:
        assert temporary.parent == tmp_path
        temporary.write_text("new")
        assert path.read_text() == "old"
    assert path.read_text() == "new"
    assert list(tmp_path.iterdir()) == [path]


def test_an_error_keeps_the_old_file(tmp_path):
    path = tmp_path / "out.csv"
    path.write_text("old")
    with pytest.raises(ZeroDivisionError), atomic_write(path) as temporary:  # noqa: PT012
        temporary.write_text("half")
        raise ZeroDivisionError
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_permissions_follow_the_old_file_or_the_umask(tmp_path):
    new, old = tmp_path / "new", tmp_path / "old"
    old.write_text("")
    old.chmod(0o640)
    before = os.umask(0o022)
    try:
        for path in (new, old):
            with atomic_write(path) as temporary:
                temporary.write_text("x")
    finally:
        os.umask(before)
    assert stat.S_IMODE(new.stat().st_mode) == 0o644
    assert stat.S_IMODE(old.stat().st_mode) == 0o640


def test_a_link_is_followed(tmp_path):
    target, link = tmp_path / "target", tmp_path / "link"
    target.write_text("old")
    link.symlink_to(target)
    with atomic_write(link) as temporary:
        temporary.write_text("new")
    assert link.is_symlink()
    assert target.read_text() == "new"


def test_a_pipe_is_written_directly(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    try:
        with atomic_write(pipe) as place:
            assert place == pipe
            place.write_text("streamed")
        assert os.read(reader, 100) == b"streamed"
    finally:
        os.close(reader)
    assert stat.S_ISFIFO(pipe.stat().st_mode)


def test_bad_places_are_named(tmp_path, monkeypatch):
    with pytest.raises(FormatError, match=r"the folder '.*gone' does not exist"), atomic_write(tmp_path / "gone" / "x"):
        pass
    with pytest.raises(FormatError, match="it is a folder"), atomic_write(tmp_path):
        pass

    def refuse(*_arguments, **_options):
        raise PermissionError(13, "Permission denied")

    # The tests may run as root, who can write everywhere.
    monkeypatch.setattr(os, "open", refuse)
    with pytest.raises(FormatError, match=r"cannot write '.*x': Permission denied"), atomic_write(tmp_path / "x"):
        pass


def test_a_full_disk_is_named_and_leaves_nothing(tmp_path):
    with pytest.raises(FormatError, match="No space left"), atomic_write(tmp_path / "x") as temporary:  # noqa: PT012
        temporary.write_text("half")
        raise OSError(28, "No space left on device")
    assert not list(tmp_path.iterdir())


def test_a_long_name_fits(tmp_path):
    path = tmp_path / ("n" * 250)
    with atomic_write(path) as temporary:
        temporary.write_text("x")
    assert path.read_text() == "x"


WRITER = """
import sys
from neurosim.atomic import atomic_write
generation = 0
while True:
    generation += 1
    with atomic_write(sys.argv[1]) as temporary, open(temporary, "w") as file:
        for _ in range(200):
            file.write(f"{generation}\\n")
            file.flush()
        file.write("end\\n")
    print(generation, flush=True)
"""


def test_sigkill_in_the_middle_never_leaves_a_broken_file(tmp_path):
    path = tmp_path / "out.csv"
    chance = random.Random(5)
    interrupted = 0
    for _ in range(12):
        writer = subprocess.Popen([sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE)
        assert writer.stdout is not None
        writer.stdout.readline()
        time.sleep(chance.uniform(0, 0.01))
        writer.send_signal(signal.SIGKILL)
        writer.wait()
        writer.stdout.close()
        lines = path.read_text().splitlines()
        assert len(lines) == 201
        assert len(set(lines[:200])) == 1
        assert lines[200] == "end"
        left = [entry for entry in tmp_path.iterdir() if entry != path]
        assert all(entry.name.startswith(".out.csv.") and entry.name.endswith(".part") for entry in left)
        interrupted += bool(left)
        for entry in left:
            entry.unlink()
    assert interrupted, "no kill fell into a write, so the test shows nothing"
