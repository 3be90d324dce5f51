"""The registry: finds modules in a folder, plugins beside them, and says who clashes with whom."""

import importlib
import importlib.metadata
import itertools
import sys
import textwrap
from concurrent.futures import ThreadPoolExecutor

import pytest

from neurosim import registry
from neurosim.errors import ParameterError, UnknownNameError
from neurosim.registry import PluginWarning, Registry

COUNTER = itertools.count()
THING = "class Thing:\n    def __init__(self, name, aliases=()):\n        self.name, self.aliases = name, aliases\n"


@pytest.fixture
def make_package(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(tmp_path))

    def make(**modules: str) -> str:
        name = f"scanned_package_{next(COUNTER)}"
        folder = tmp_path / name
        folder.mkdir()
        (folder / "__init__.py").write_text("")
        for module, text in modules.items():
            (folder / f"{module}.py").write_text(THING + textwrap.dedent(text))
        importlib.invalidate_caches()
        return name

    return make


@pytest.fixture
def plugins(monkeypatch):
    """Install entry points of the group ``things``: a dict of name to value."""

    def install(**points: str) -> None:
        found = [importlib.metadata.EntryPoint(name, value, "things") for name, value in points.items()]
        monkeypatch.setattr(importlib.metadata, "entry_points", lambda *, group: found if group == "things" else [])

    install()
    return install


def things(package: str) -> Registry:
    return Registry("thing", package, "thing", "things")


def test_a_second_thread_waits_for_the_first_to_find_all(make_package, plugins):
    registry = things(make_package(a="import time\ntime.sleep(0.2)", b="thing = Thing('beta')"))
    with ThreadPoolExecutor(4) as pool:
        assert [one.name for one in pool.map(registry.get, ["beta"] * 4)] == ["beta"] * 4


def test_finds_objects_tuples_and_skips_the_rest(make_package, plugins):
    package = make_package(
        b="thing = Thing('beta')",
        a="thing = (Thing('alpha', ('a1', 'A2')), Thing('gamma'))",
        nothing="x = 1",
        _private="raise RuntimeError('imported')",
    )
    found = things(package)
    assert found.names() == ["alpha", "beta", "gamma"]
    assert [thing.name for thing in found] == found.names()
    assert len(found) == 3
    assert found.get("ALPHA") is found.get("a2")
    assert "Gamma" in found
    assert "delta" not in found
    assert found.notes == ()


def test_scans_only_on_first_use(make_package, plugins):
    package = make_package(a="thing = Thing('alpha')")
    found = things(package)
    assert f"{package}.a" not in sys.modules
    found.names()
    assert f"{package}.a" in sys.modules


def test_unknown_name_proposes_the_nearest(make_package, plugins):
    found = things(make_package(a="thing = Thing('resistor')"))
    with pytest.raises(UnknownNameError, match=r"unknown thing 'resitor'; did you mean 'resistor'\?"):
        found.get("resitor")


def test_duplicates_are_refused_with_both_places(make_package, plugins):
    package = make_package(a="thing = Thing('alpha')", b="thing = Thing('beta', ('ALPHA',))")
    found = things(package)
    for _ in range(2):  # the second use must not see a half-filled registry
        with pytest.raises(ParameterError, match=rf"'alpha' in {package}\.a and as 'beta' in {package}\.b"):
            found.names()


def test_nameless_object_is_refused(make_package, plugins):
    with pytest.raises(ParameterError, match=r"\.a declares a thing without a name"):
        things(make_package(a="thing = 3")).names()


def test_broken_own_module_is_an_error(make_package, plugins):
    with pytest.raises(ZeroDivisionError):
        things(make_package(a="1 / 0")).names()


def test_plugins_are_equal_citizens(make_package, plugins):
    foreign = make_package(one="thing = Thing('foreign')", two="first = (Thing('second'), Thing('third'))")
    plugins(module=f"{foreign}.one", objects=f"{foreign}.two:first")
    found = things(make_package(a="thing = Thing('alpha')"))
    assert found.names() == ["alpha", "foreign", "second", "third"]


def test_broken_plugins_are_named_and_the_others_work(make_package, plugins):
    foreign = make_package(good="thing = Thing('good')", clash="thing = Thing('alpha')", bad="1 / 0")
    plugins(good=f"{foreign}.good", clash=f"{foreign}.clash", bad=f"{foreign}.bad", gone="no_such_package_here:x")
    found = things(make_package(a="thing = Thing('alpha')"))
    with pytest.warns(PluginWarning) as warned:
        assert found.names() == ["alpha", "good"]
    assert len(warned) == len(found.notes) == 3
    texts = [str(note) for note in found.notes]
    assert "plugin 'bad'" in texts[0]
    assert "ZeroDivisionError" in texts[0]
    assert "plugin 'clash'" in texts[1]
    assert "declared twice" in texts[1]
    assert "no_such_package_here" in texts[2]
    assert "--no-plugins" in texts[2]


def test_plugins_can_be_switched_off(make_package, plugins, monkeypatch):
    foreign = make_package(one="thing = Thing('foreign')")
    plugins(module=f"{foreign}.one")
    monkeypatch.setattr(registry, "plugins_enabled", False)
    assert things(make_package(a="thing = Thing('alpha')")).names() == ["alpha"]


def test_add_at_run_time(make_package, plugins):
    package = make_package(a="thing = Thing('alpha')")
    found = things(package)
    thing = type("Thing", (), {"name": "mine"})()
    found.add(thing, "my script")
    assert found.get("Mine") is thing
    with pytest.raises(ParameterError, match=r"in my script and as 'mine' in another"):
        found.add(thing, "another")
