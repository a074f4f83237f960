"""Modules and installed packages with actions, as real files."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from ostro.actions import plugins
from ostro.errors import OstroError

ACTION = "import ostro\n@ostro.action(name={name!r})\ndef act(): 'Does it.'\n"


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A folder on the path; what is imported from it is forgotten afterwards."""
    before = set(sys.modules)
    sys.path.insert(0, str(tmp_path))
    yield tmp_path
    sys.path.remove(str(tmp_path))
    for name in set(sys.modules) - before:
        if getattr(sys.modules[name], "__file__", None) and str(tmp_path) in str(sys.modules[name].__file__):
            del sys.modules[name]


def install(folder: Path, package: str, entry: str) -> None:
    """As pip leaves it."""
    info = folder / f"{package}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[ostro.actions]\n{entry}\n")


def test_a_module_brings_its_actions_and_those_of_the_modules_below_it(folder: Path) -> None:
    (folder / "fleet").mkdir()
    (folder / "fleet/__init__.py").write_text("from fleet import disks\n")
    (folder / "fleet/disks.py").write_text(ACTION.format(name="disks.grow"))
    found = plugins.load(["fleet"])
    assert {"disks.grow", "script", "std.noop"} <= set(found.names())
    assert found.takes()["disks.grow"].__struct_fields__ == ()


def test_an_installed_package_brings_its_own(folder: Path) -> None:
    (folder / "shop.py").write_text(ACTION.format(name="shop.close"))
    install(folder, "shop", "shop = shop")
    install(folder, "same", "act = shop:act")
    assert "shop.close" in plugins.load([]).names()


def test_a_name_twice_is_refused_with_both_places(folder: Path) -> None:
    (folder / "one.py").write_text(ACTION.format(name="same"))
    (folder / "two.py").write_text(ACTION.format(name="same"))
    (folder / "std.py").write_text(ACTION.format(name="std.noop"))
    with pytest.raises(OstroError, match=r"same is there twice: in one\.act and in two\.act"):
        plugins.load(["one", "two"])
    with pytest.raises(OstroError, match=r"std\.noop is there twice: in Ostro itself and in std\.act"):
        plugins.load(["std"])


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("import no_such_module", "The actions of the module broken cannot be loaded: ModuleNotFoundError"),
        ("1 / 0", "the module broken cannot be loaded: ZeroDivisionError"),
        ("import ostro\n@ostro.action\ndef act(a: 'Missing'): ...", "broken.act cannot be an action: name"),
        ("import ostro\n@ostro.action\ndef act(*a): ...", "the parameter 'a' cannot be given by name"),
        ("x = 1", "There are no actions in the module broken"),
    ],
)
def test_a_broken_module_is_named(folder: Path, text: str, says: str) -> None:
    (folder / "broken.py").write_text(text)
    with pytest.raises(OstroError, match=says):
        plugins.load(["broken"])


def test_a_broken_entry_point_is_named_with_its_package(folder: Path) -> None:
    (folder / "odd.py").write_text("act = 1\n")
    install(folder, "oddities", "odd = odd:act")
    with pytest.raises(OstroError, match="the entry point odd = odd:act of oddities cannot be loaded"):
        plugins.load([])
