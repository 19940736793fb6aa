"""The packages and the source files of a program."""

import sys
from typing import Any

from clarion.doctor.program import Program, package_of

CONNECTS = "from clarion import Signal\nSignal().connect(lambda **kwargs: None)\n"


def test_the_outermost_package(plant, tmp_path):
    """A folder without `__init__.py` does not count."""
    package = plant(["a.b.c"], a__in____init__="", a__in__b__in____init__="", a__in__b__in__c="")
    assert package_of(f"{package}.a.b.c") == package
    assert package_of("json") == "json"
    other = plant(["a.b"], a__in____init__="", a__in__b="")
    (tmp_path / other / "__init__.py").unlink()
    sys.modules[other].__file__ = None
    assert package_of(f"{other}.a.b") == f"{other}.a"


def test_the_files_of_a_package(plant):
    """Those that may connect receivers, imported or not, each once."""
    package = plant(["one"], one=CONNECTS, two=CONNECTS, three="x = 1\n", four="def f(:\n.connect")
    program = Program((package, f"{package}.one", "no_such_module"))
    assert [each.name for each in program.sources] == [f"{package}.one", f"{package}.two"]
    assert [each.name for each in program.imported] == [f"{package}.one"]
    assert package in program.texts


def test_the_files_beside_a_module(plant, tmp_path):
    """In a folder without `__init__.py` they count, but neither its folders nor other programs."""
    main = f"{CONNECTS}if __name__ == '__main__':\n    print()\n"
    package = plant(
        ["one"], one=CONNECTS, two=CONNECTS, job=main, a__in____init__=CONNECTS, a__in__b=CONNECTS
    )
    assert len(Program((f"{package}.one",)).sources) == 1
    (tmp_path / package / "__init__.py").unlink()
    sys.modules[package].__file__ = None
    (tmp_path / package / "bytes.py").write_bytes(b"\xff\xfe.connect")
    program = Program((f"{package}.one",))
    assert [each.name for each in program.sources] == [f"{package}.one", f"{package}.two"]


def test_files_that_cannot_be_read(plant, tmp_path):
    """They are left out, as a module of an extension."""
    package = plant(one=CONNECTS)
    (tmp_path / package / "bytes.py").write_bytes(b"\xff\xfe.connect")
    (tmp_path / package / "folder.py").mkdir()
    sys.modules[f"{package}.native"] = type(sys)(f"{package}.native")
    sys.modules[f"{package}.native"].__file__ = str(tmp_path / "native.so")
    program = Program((package, f"{package}.native", "sys"))
    assert [each.name for each in program.sources] == [f"{package}.one"]


def test_the_variables_of_the_modules(plant):
    """Those of the packages, and of no others."""
    package = plant(["one"], one="unlikely_value = 123_454_321\n")
    assert 123_454_321 in list(Program((package,)).values())
    assert 123_454_321 not in list(Program(("json",)).values())


def test_modules_that_are_imported_later(plant):
    """An imported module counts, also if it imports in a function."""
    package = plant(
        ["app"],
        app="def make():\n    from . import mail\n",
        other="import PACKAGE.pay",
        mail="",
        pay="",
    )
    names = [f"{package}.mail", f"{package}.pay"]
    assert Program((package,)).imported_later(names) == {f"{package}.mail"}


def test_links_and_strange_modules(plant, tmp_path):
    """A folder that is linked in itself is read once, and an object in place of a module not."""
    package = plant(["one"], one=CONNECTS)
    (tmp_path / package / "again").symlink_to(tmp_path / package)
    other: Any = Raising()
    sys.modules[f"{package}.other"] = other
    program = Program((package, f"{package}.other"))
    assert [each.name for each in program.sources] == [f"{package}.one"]
    assert len(list(program.values())) > 0


class Raising:
    """An object that is in place of a module."""

    def __getattr__(self, name):
        raise RuntimeError(name)
