"""Names of modules that begin with a text."""

import pytest

from clarion.cli.module_names import module_names


@pytest.fixture(autouse=True)
def program(tmp_path, monkeypatch):
    """Write the files of a program, and go to its folder."""
    for name in ("shop/__init__.py", "shop/mail.py", "shop/stock/api.py", "shop/raw/data.json"):
        file = tmp_path / "here" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("raise SystemExit")
    (tmp_path / "here" / "shell.py").touch()
    (tmp_path / "here" / "not-a-name.py").touch()
    (tmp_path / "else").mkdir()
    (tmp_path / "else" / "shipping.py").touch()
    monkeypatch.chdir(tmp_path / "here")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "else"))


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", ["shell", "shipping", "shop"]),
        ("sh", ["shell", "shipping", "shop"]),
        ("sho", ["shop", "shop.mail", "shop.stock"]),
        ("shop.", ["shop.mail", "shop.stock"]),
        ("shop.m", ["shop.mail"]),
        ("shop.stock.", ["shop.stock.api"]),
        ("gone.", []),
        ("shop.mail.", []),
        ("../", []),
    ],
)
def test_names_of_modules(text, found):
    """They are those of the current folder and of PYTHONPATH, also in folders without __init__.py."""
    assert module_names(text) == found
