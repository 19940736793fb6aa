"""pyproject.toml agrees with the project."""

import tomllib

import interpreters
from tests.house.tree import PACKAGES, ROOT

PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
TOOLS = PYPROJECT["tool"]
FRAGMENTS = [
    path.name
    for path in (ROOT / TOOLS["towncrier"]["directory"]).iterdir()
    if path.name not in {"README.md", ".gitignore"}
]


def test_every_package_has_its_layer():
    """The contract on layers names every package, and nothing else."""
    contracts = TOOLS["importlinter"]["contracts"]
    (layers,) = [c for c in contracts if c.get("containers") == ["clarion"]]
    named = [package.strip() for layer in layers["layers"] for package in layer.split("|")]
    assert sorted(named) == sorted(PACKAGES)


def test_promised_pythons_are_those_that_are_tested():
    """The classifiers list the interpreters of `make test`."""
    prefix = "Programming Language :: Python :: 3."
    promised = [c for c in PYPROJECT["project"]["classifiers"] if c.startswith(prefix)]
    assert promised == [f"{prefix}{minor}" for minor in interpreters.MINORS]


def test_fragments_have_a_type():
    """A fragment is called NAME.TYPE.md, and the changelog has a heading for its type.

    Before the first release the only type is `added`: no user has a version to compare with, so
    nothing is fixed, changed, deprecated or removed. The first release adds the first heading of
    a version to CHANGELOG.md.
    """
    changelog = (ROOT / TOOLS["towncrier"]["filename"]).read_text(encoding="utf-8")
    released = "\n## " in changelog
    types = {kind["directory"] for kind in TOOLS["towncrier"]["type"]} if released else {"added"}
    parts = {name: name.split(".")[1:] for name in FRAGMENTS}
    assert not [
        name for name, (kind, *rest) in parts.items() if kind not in types or rest[-1:] != ["md"]
    ]
