"""The errors of Clarion."""

import copy
import inspect
import pickle
import re
import subprocess
import sys

import pytest

from clarion import errors
from clarion.errors import (
    ArgumentError,
    BoundaryError,
    ClarionError,
    DeclarationError,
    DecodingError,
    EncodingError,
    EndlessCommitError,
    EndlessFlushError,
    HandOverError,
    MissingExtraError,
    NoLoopError,
    NotCallableError,
    NotSentError,
    ReceiverError,
    Reject,
    Retry,
    RunningLoopError,
    SenderError,
    SignatureError,
    TransactionError,
    UnknownReceiverError,
    WeakReferenceError,
)
from tests.house.tree import SRC

CLASSES = [kind for _, kind in inspect.getmembers(errors, inspect.isclass)]
KINDS = [kind for kind in CLASSES if not issubclass(kind, Warning)]

MADE = [
    NotCallableError("No.", "receiver"),
    SignatureError("No.", "receiver"),
    WeakReferenceError("No.", "receiver"),
    SenderError("No.", "sender"),
    ArgumentError("No.", ["b", "a"]),
    DeclarationError("No."),
    Retry("No.", after=5.0),
    Reject("No."),
    RunningLoopError("No.", ["one", "two"]),
    NoLoopError("No."),
    MissingExtraError("No.", "package", "extra"),
    EndlessFlushError("No.", ["Order"]),
    BoundaryError("No."),
    TransactionError("No."),
    EndlessCommitError("No.", ["one of a signal"]),
    EncodingError("No.", "shop.paid", "size", "size[0]"),
    DecodingError("No.", "shop.paid"),
    HandOverError("No.", "mail"),
    UnknownReceiverError("No.", "mail", "shop.paid"),
    NotSentError("No."),
]


def test_there_is_one_base():
    """ClarionError is the base of all errors."""
    assert all(issubclass(kind, ClarionError) for kind in KINDS)
    assert [kind for kind in KINDS if kind.__bases__ == (Exception,)] == [ClarionError]


@pytest.mark.parametrize(
    ("kind", "builtin"),
    [
        (NotCallableError, TypeError),
        (SignatureError, ValueError),
        (WeakReferenceError, TypeError),
        (SenderError, TypeError),
        (ArgumentError, TypeError),
        (DeclarationError, TypeError),
        (RunningLoopError, RuntimeError),
        (NoLoopError, RuntimeError),
        (EndlessFlushError, RuntimeError),
        (BoundaryError, LookupError),
        (HandOverError, RuntimeError),
        (UnknownReceiverError, LookupError),
        (TransactionError, RuntimeError),
        (EndlessCommitError, RuntimeError),
        (EncodingError, TypeError),
        (DecodingError, ValueError),
        (NotSentError, AssertionError),
        (MissingExtraError, ModuleNotFoundError),
    ],
)
def test_each_error_has_a_builtin_base(kind, builtin):
    """Each error derives from a builtin error, which code for Django or plain Python catches."""
    assert issubclass(kind, builtin)


def test_errors_about_a_receiver_have_one_base():
    """ReceiverError is the base of the errors about a receiver at connect."""
    assert {kind for kind in KINDS if issubclass(kind, ReceiverError)} == {
        ReceiverError,
        NotCallableError,
        SignatureError,
        WeakReferenceError,
    }


def test_the_docstring_shows_the_tree():
    """The module's docstring shows every class below its base."""
    branch = re.compile(r"^ {4}((?:│   |    )*)[├└]── (\w+)", re.MULTILINE)
    drawn = {name: len(stem) // 4 + 1 for stem, name in branch.findall(errors.__doc__ or "")}
    depth = {kind.__name__: kind.__mro__.index(ClarionError) for kind in KINDS}
    assert {"ClarionError": 0} | drawn == depth


@pytest.mark.parametrize("error", MADE, ids=lambda error: type(error).__name__)
def test_data_survives_copy_and_pickle(error):
    """An error keeps its attributes when it is copied or sent to another process."""
    for again in (copy.copy(error), pickle.loads(pickle.dumps(error))):  # noqa: S301
        assert type(again) is type(error)
        assert str(again) == "No."
        assert vars(again) == vars(error)


def test_names_are_sorted():
    """The names in a message are sorted."""
    assert ArgumentError("No.", ["b", "a"]).names == ("a", "b")
    assert ArgumentError("No.").names == ()
    assert RunningLoopError("No.", iter(["one"])).receivers == ("one",)


def test_a_missing_extra_has_the_pip_line():
    """The error has the exact pip line in its message, and the data as attributes."""
    error = MissingExtraError.of("jinja2", "jinja")
    assert str(error).endswith(
        "Run: pip install 'clarion-signals[jinja]', or in a checkout of Clarion: "
        "pip install '.[jinja]'"
    )
    assert (error.name, error.extra) == ("jinja2", "jinja")


@pytest.mark.parametrize(
    ("integration", "package"),
    [
        ("alembic", "alembic"),
        ("django", "django"),
        ("jinja", "jinja2"),
        ("settings", "pydantic_settings"),
        ("sqlalchemy", "sqlalchemy"),
        ("taskiq", "taskiq"),
    ],
)
def test_a_missing_extra_is_named(integration, package):
    """An integration whose package is not installed raises the pip line."""
    code = (
        f"import sys; sys.path.insert(0, {str(SRC)!r}); sys.modules[{package!r}] = None\n"
        f"import clarion.integrations.{integration}"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stderr.endswith(
        f"MissingExtraError: clarion.integrations.{integration} needs {package}, which is not "
        f"installed. Run: pip install 'clarion-signals[{integration}]', or in a checkout of Clarion: "
        f"pip install '.[{integration}]'\n"
    )


@pytest.mark.parametrize(
    ("integration", "package"),
    [("alembic", "alembic"), ("jinja", "jinja2"), ("settings", "pydantic_settings")],
)
@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("import absent", "No module named 'absent'"),
        ("from sys import absent", "cannot import name 'absent' from 'sys' (unknown location)"),
        ("", ""),
    ],
)
def test_a_broken_package_is_not_called_missing(integration, package, source, reason, tmp_path):
    """An installed package that cannot be imported is not called missing."""
    (tmp_path / package).mkdir()
    (tmp_path / package / "__init__.py").write_text(source)
    code = (
        f"import sys; sys.path[:0] = [{str(tmp_path)!r}, {str(SRC)!r}]\n"
        f"import clarion.integrations.{integration}"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    *_, last = done.stderr.splitlines()
    start = f"clarion.errors.MissingExtraError: clarion.integrations.{integration} cannot use {package} "
    assert last.startswith(f"{start}as it is installed: ")
    assert reason in last
    assert last.endswith(f"pip install '.[{integration}]'")


def test_a_package_is_missing_if_another_was_imported_first():
    """The package is called missing, also if the failed import is that of its dependency."""
    error = ModuleNotFoundError("No module named 'psycopg'", name="psycopg")
    made = MissingExtraError.because(error, "absent_engine", "procrastinate")
    assert str(made).startswith(
        "clarion.integrations.procrastinate needs absent_engine, which is not"
    )


def test_a_missing_dependency_is_named(tmp_path):
    """The missing dependency of an installed package is named."""
    (tmp_path / "pydantic_settings.py").write_text("class BaseSettings: ...")
    code = (
        f"import sys; sys.path[:0] = [{str(tmp_path)!r}, {str(SRC)!r}]; sys.modules['pydantic'] = None\n"
        f"import clarion.integrations.settings"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "cannot use pydantic_settings as it is installed: import of pydantic " in done.stderr


def test_seconds_are_no_message():
    """`Retry(60)` would wait as long as after any error, so it is refused with the cure."""
    with pytest.raises(
        ArgumentError, match=re.escape("type int. Give the seconds by name: Retry(")
    ):
        Retry(60)  # type: ignore[arg-type]


def test_every_error_is_tested():
    """This file tests every error class."""
    assert {type(error) for error in MADE} == {*KINDS} - {ClarionError, ReceiverError}
