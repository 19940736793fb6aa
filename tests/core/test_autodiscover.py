"""autodiscover: which modules it imports."""

import sys
import types

import pytest

import clarion
from clarion import autodiscover
from clarion.errors import ArgumentError

FILES = {
    "sample/__init__.py": "",
    "sample/app.py": "import clarion\ndef start(*names): return clarion.autodiscover(*names)\n",
    "sample/receivers.py": "imported = 1\n",
    "sample/orders/__init__.py": "",
    "sample/orders/receivers.py": "from sample.app import start\n",
    "sample/orders/deep/__init__.py": "",
    "sample/orders/deep/receivers.py": "",
    "sample/orders/deep/handlers.py": "",
    "sample/quiet/__init__.py": "raise RuntimeError('no receivers here, so it is not imported')",
    "sample/quiet/models.py": "",
    "sample/quiet_one/__init__.py": "",
    "sample/folder/receivers.py": "raise RuntimeError('no package')",
    "sample_billing/__init__.py": "",
    "sample_billing/receivers/__init__.py": "",
    "sample_billing/receivers/mail.py": "",
    "sample_broken/__init__.py": "",
    "sample_broken/receivers.py": "import sample_missing\n",
    "sample_lacking/__init__.py": "",
    "sample_lacking/receivers.py": "from sample.app import missing\n",
    "sample_module.py": "",
}


@pytest.fixture(autouse=True)
def _packages(tmp_path, monkeypatch):
    """Write the packages, and remove their modules from `sys.modules` afterwards."""
    for name, text in FILES.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    monkeypatch.syspath_prepend(tmp_path)
    yield
    for name in [name for name in sys.modules if name.startswith("sample")]:
        del sys.modules[name]


def names(modules):
    """Return the names of modules."""
    return [module.__name__ for module in modules]


def test_each_package_is_searched():
    """Packages are searched in the given order; one without the module is skipped."""
    found = autodiscover("receivers", packages=["sample_billing", ["sample", "app"][0]])
    assert names(found) == ["sample_billing.receivers", "sample.receivers"]
    assert names(autodiscover("handlers", packages=["sample.orders.deep"])) == [
        "sample.orders.deep.handlers"
    ]


def test_a_package_may_be_a_module_or_one_name():
    """A package may be given as a module, and a single one without a list."""
    import sample_billing  # type: ignore[import-not-found]

    assert names(autodiscover(packages=sample_billing)) == ["sample_billing.receivers"]
    assert names(autodiscover(packages="sample")) == ["sample.receivers"]
    assert names(autodiscover(packages=("sample", sample_billing, "sample"))) == [
        "sample.receivers",
        "sample_billing.receivers",
    ]


def test_the_default_is_the_callers_package():
    """The default is the caller's package, with each subpackage that has the module."""
    import sample.app  # type: ignore[import-not-found]

    assert names(sample.app.start("receivers")) == [
        "sample.receivers",
        "sample.orders.receivers",
        "sample.orders.deep.receivers",
    ]
    assert "sample.quiet" not in sys.modules
    assert names(sample.app.start("handlers")) == ["sample.orders.deep.handlers"]


@pytest.mark.parametrize("packages", [["sample", "sample_billing"], ["sample_billing"]])
def test_a_module_that_no_package_has_is_refused(packages):
    """A module that no package has is refused, because its name is probably misspelt."""
    with pytest.raises(
        ArgumentError, match=r"no module recievers in any package\. Correct its name"
    ):
        autodiscover("recievers", packages=packages)


def test_packages_may_have_no_receivers():
    """The default name is accepted in packages without it: a new program has no receivers."""
    assert autodiscover(packages=["sample.quiet_one"]) == []


def test_a_misspelt_module_is_refused_in_the_callers_package():
    """A module that none of the caller's packages has is refused."""
    import sample.app

    with pytest.raises(ArgumentError, match="no module recievers"):
        sample.app.start("recievers")


def test_modules_are_imported_once():
    """A second call returns the same modules."""
    first = autodiscover(packages=["sample"])
    assert autodiscover(packages=["sample"]) == first


def test_the_module_may_be_in_a_package():
    """The name of the module may have dots; a package that lacks a part of it is skipped."""
    found = autodiscover("receivers.mail", packages=["sample_billing", "sample"])
    assert names(found) == ["sample_billing.receivers.mail"]


@pytest.mark.parametrize("package", ["sample_broken", "sample_lacking"])
def test_an_import_error_inside_a_module_is_raised(package):
    """An ImportError inside a module is raised; only a missing module is skipped."""
    with pytest.raises(ImportError, match="missing"):
        autodiscover("receivers", packages=["sample", package])


def test_a_missing_package_is_an_error():
    """A package that is misspelt, or not installed, is refused."""
    with pytest.raises(ModuleNotFoundError, match="sample_shpo"):
        autodiscover("receivers", packages=["sample_shpo"])


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"module": ["sample"]}, "a list as the name of a module. Write autodiscover"),
        ({"module": "sample/receivers"}, "a str as the name"),
        ({"module": ".receivers"}, "as the name"),
        ({"packages": []}, "no packages"),
        ({"packages": 3}, "no packages"),
        ({"packages": [3]}, "an int as a package. Give its whole name"),
        ({"packages": [".orders"]}, "as a package"),
        ({"packages": ["sample_module"]}, "sample_module, which is a module and no package"),
    ],
)
def test_wrong_arguments_are_refused(options, sentence):
    """Wrong arguments are refused, and the message says what to give."""
    with pytest.raises(ArgumentError, match=sentence):
        autodiscover(**options)


def test_outside_a_package_the_packages_are_named():
    """A script or a notebook, which belongs to no package, has to name packages."""
    script = {"__name__": "__main__", "__package__": None, "clarion": clarion}
    with pytest.raises(ArgumentError, match=r"called outside a package.*packages="):
        exec("clarion.autodiscover('receivers')", script)  # noqa: S102


def test_a_module_that_is_in_memory_only(monkeypatch):
    """A module that exists in memory only is found."""
    import sample

    made = types.ModuleType("sample.handlers")
    monkeypatch.setitem(sys.modules, "sample.handlers", made)
    assert autodiscover("handlers", packages=[sample]) == [made]
