"""Nothing is attached before the first connect, and each listener once."""

import re
import subprocess
import sys

from tests.house.tree import SRC

PROGRAM = """
import sys
{before}
from sqlalchemy import create_engine, event
from sqlalchemy.orm import DeclarativeBase, Mapped, Mapper, Session, mapped_column
from sqlalchemy.pool import Pool


class Base(DeclarativeBase):
    pass


class Order(Base):
    __tablename__ = "order"
    id: Mapped[int] = mapped_column(primary_key=True)


class Other(Base):
    __tablename__ = "other"
    id: Mapped[int] = mapped_column(primary_key=True)


def count():
    session = Session(create_engine("sqlite://"))
    found = {{}}
    for owner, target in (("session", session), ("mapper", Order.__mapper__),
                          ("class", Order._sa_class_manager), ("other", Other._sa_class_manager),
                          ("pool", session.get_bind().pool)):
        for name in dir(target.dispatch):
            if not name.startswith("_") and name not in ("parent",):
                collection = getattr(target.dispatch, name)
                if hasattr(collection, "__len__"):
                    found[owner, name] = len(collection)
    return found

{after}
"""


def run(before="", after=""):
    """Run a program in a new interpreter; return the last line that it prints."""
    code = PROGRAM.format(before=before, after=after)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert not done.returncode, done.stderr
    return done.stdout.splitlines()[-1]


def test_importing_attaches_nothing():
    """The import leaves the listeners of sessions, mappers, classes and pools as without Clarion."""
    counting = "print(sorted(count().items()))"
    without = run(after=counting)
    assert "before_flush" in without
    assert run("import clarion.integrations.sqlalchemy", counting) == without


def test_the_first_connect_attaches_the_listeners_of_its_signal():
    """The first connect attaches listeners, the second none, and other classes get none."""
    after = """
from clarion.integrations.sqlalchemy import post_save, pre_save, post_init, connection_created
before = count()
def f(**kwargs): pass
def new():
    return sorted(key for key, value in count().items() if value != before[key])
post_save.connect(f, sender=Order)
print(new())
one = count()
pre_save.connect(f, sender=Other)
post_save.disconnect(f, sender=Order)
assert one == count()
post_init.connect(f, sender=Order)
after_init = new()
assert ("class", "init") in after_init and ("class", "load") in after_init, after_init
assert ("other", "init") not in after_init
connection_created.connect(f)
assert ("pool", "connect") in new()
print(sorted(key for key, value in one.items() if value != before[key]))
"""
    assert run(after=after) == str(
        [
            ("session", "after_flush"),
            ("session", "after_flush_postexec"),
            ("session", "after_transaction_create"),
            ("session", "before_flush"),
        ]
    )


def test_attaching_from_many_threads_attaches_once():
    """The first thread attaches, the others wait."""
    after = """
from threading import Barrier, Thread
from clarion.integrations.sqlalchemy import post_save
before, barrier = count(), Barrier(8)
def connect():
    barrier.wait()
    post_save.connect(lambda **kwargs: None, sender=Order)
threads = [Thread(target=connect) for _ in range(8)]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
print(sum(count().values()) - sum(before.values()))
"""
    assert run(after=after) == "4"


def test_without_sqlalchemy_the_import_has_the_pip_line():
    """The error of the import contains the line for pip."""
    code = """
import sys
sys.modules["sqlalchemy"] = None
try:
    import clarion.integrations.sqlalchemy
except ModuleNotFoundError as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "Run: pip install 'clarion-signals[sqlalchemy]', or" in done.stdout


def test_a_capture_from_before_the_import_sees_signals():
    """Importing the package attaches listeners if an instrument watches every signal."""
    code = """
from clarion.testing import capture
with capture() as sent:
    from clarion.integrations.sqlalchemy import post_save
    session = Session(create_engine("sqlite://"))
    Base.metadata.create_all(session.get_bind())
    session.add(Order(id=1))
    session.flush()
print([each.signal is post_save for each in sent if each.sender is Order])
"""
    assert run(after=code) == "[False, False, False, True]"


def test_hooks_alone_attaches_listeners():
    """No other module of the integration calls `event.listen` or `event.remove`.

    But for the worker, which listens to one connection of its own.
    """
    package = SRC / "clarion" / "integrations" / "sqlalchemy"
    attaching = {
        path.name
        for path in package.rglob("*.py")
        if re.search(r"\bevent\.\w+\(", path.read_text())
    }
    assert attaching == {"hooks.py", "deferred.py"}
