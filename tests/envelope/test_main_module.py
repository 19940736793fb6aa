"""The name of the program's main module in other processes."""

import sqlite3
import subprocess
import sys
from contextlib import closing
from types import ModuleType

import pytest

from clarion import Signal
from clarion.envelope import main_module
from clarion.envelope.main_module import importable, stored_signal_name
from clarion.outbox.connection import DbapiConnection
from clarion.outbox.tables import create_tables

PROGRAM = """
import sqlite3
from clarion import Signal, durable, receiver
from clarion.commit import atomic

class Shop: ...

order_paid = Signal()

@receiver(order_paid, sender=Shop, delivery=durable)
def mail(sender, order_id, **kwargs):
    print("mail", sender.__module__, order_id)

if __name__ == "__main__":
    connection = sqlite3.connect("shop.db")
    with atomic(connection):
        order_paid.send(Shop, order_id=1)
"""
WORKER = """
import shop
from clarion.outbox import SqliteDatabase
from clarion.worker import Worker
Worker(SqliteDatabase("shop.db")).drain()
"""


@pytest.mark.parametrize("command", [["shop.py"], ["-m", "shop"]], ids=["file", "module"])
def test_a_worker_finds_the_names_of_a_program_that_was_run(command, tmp_path):
    """A program that is run stores its signal, sender and receiver by the names that an import gives them."""
    (tmp_path / "shop.py").write_text(PROGRAM)
    run = [sys.executable, *command]
    with closing(sqlite3.connect(tmp_path / "shop.db", isolation_level=None)) as connection:
        create_tables(DbapiConnection(connection, "sqlite"))
    subprocess.run(run, check=True, cwd=tmp_path)
    worker = subprocess.run(
        [sys.executable, "-c", WORKER], check=True, cwd=tmp_path, capture_output=True, text=True
    )
    assert worker.stdout.splitlines()[0] == "mail shop 1", worker.stderr


@pytest.mark.parametrize("name", ["__main__", "__mp_main__"])
def test_the_main_module_has_the_name_of_its_file(name, monkeypatch):
    """That is how another process imports a file of the current directory."""
    main = ModuleType("__main__")
    main.__file__ = "/srv/shop.py"
    monkeypatch.setitem(sys.modules, "__main__", main)
    assert importable(name) == "shop"


def test_a_shell_keeps_its_name(monkeypatch):
    """A main module without a file cannot be imported by another process."""
    monkeypatch.setitem(sys.modules, "__main__", ModuleType("__main__"))
    assert importable("__main__") == "__main__"


def test_other_modules_keep_their_names():
    """Only the main module has a second name."""
    assert importable("shop.orders") == "shop.orders"
    assert stored_signal_name(Signal(name="shop.order_paid")) == "shop.order_paid"


def test_a_signal_of_the_main_module_has_the_name_of_the_import(monkeypatch):
    """The name in messages is another one: that of this process."""
    main = ModuleType("__main__")
    main.__file__ = "shop.py"
    signal = Signal()
    vars(main)["order_paid"] = signal
    monkeypatch.setitem(sys.modules, "__main__", main)
    assert stored_signal_name(signal) == "shop.order_paid"
    assert repr(signal).count("__main__.order_paid") == 1


def test_the_name_is_read_from_the_path_once(monkeypatch):
    """Each send needs it."""
    main = ModuleType("__main__")
    main.__file__ = "/srv/orders.py"
    monkeypatch.setitem(sys.modules, "__main__", main)
    assert importable("__main__") == "orders"
    monkeypatch.setattr(main_module, "Path", None)
    assert importable("__main__") == "orders"
