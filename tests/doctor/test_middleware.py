"""Sessions that a request binds in an application without the middleware."""

import sys

import pytest

pytest.importorskip("sqlalchemy")

FASTAPI = """
from fastapi import FastAPI
from clarion.integrations.asgi import SignalMiddleware
from clarion.integrations.sqlalchemy import bound

app = FastAPI()

def open_session():
    with bound(session):
        yield session
"""

FLASK = """
from flask import Flask
from clarion.integrations import sqlalchemy
from clarion.integrations.wsgi import SignalMiddleware

app = Flask(__name__)

def begin():
    sqlalchemy.bound(session).__enter__()
"""


def test_a_sync_dependency_of_fastapi(found):
    """It is found where the session is bound, with the middleware to add."""
    pytest.importorskip("fastapi")
    [finding] = found(FASTAPI)
    assert (finding.code, finding.line) == ("W008", 9)
    assert finding.problem.startswith("open_session() binds a session in a dependency that runs in")
    assert "clarion.integrations.asgi.SignalMiddleware" in finding.cure


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("app = FastAPI()", "app = FastAPI()\napp.add_middleware(SignalMiddleware)"),
        ("app = FastAPI()", "app = FastAPI()\nserved = SignalMiddleware(app)"),
        ("app = FastAPI()", ""),
        ("def open", "async def open"),
        ("def open", "import contextlib\n\n@contextlib.contextmanager\ndef open"),
        ("yield session", "return session"),
        ("bound(session)", "open(session)"),
    ],
    ids=["added", "around it", "no app", "async", "a context manager", "no generator", "unbound"],
)
def test_fastapi_without_the_fault(found, old, new):
    """Nothing is found."""
    pytest.importorskip("fastapi")
    assert found(FASTAPI.replace(old, new)) == []


def test_a_binding_that_flask_leaves_open(found):
    """It is found where the session is bound, with the middleware to add."""
    pytest.importorskip("flask")
    [finding] = found(FLASK)
    assert (finding.code, finding.line) == ("W008", 9)
    assert "the next request of the thread may find it" in finding.problem
    assert "clarion.integrations.wsgi" in finding.cure


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (
            "Flask(__name__)",
            "Flask(__name__)\napp.wsgi_app = SignalMiddleware(app.wsgi_app)",
        ),
        ("Flask(__name__)", "Flask(__name__)\nserved = SignalMiddleware(app)"),
        ("sqlalchemy.bound(session).__enter__()", "with sqlalchemy.bound(session): pass"),
    ],
    ids=["set", "around it", "closed"],
)
def test_flask_without_the_fault(found, old, new):
    """Nothing is found."""
    pytest.importorskip("flask")
    assert found(FLASK.replace(old, new)) == []


def test_objects_that_raise_are_left_alone(found):
    """A program may have any object in a variable."""
    pytest.importorskip("fastapi")
    [finding] = found(FASTAPI + RAISING)
    assert finding.code == "W008"


RAISING = """
class Meta(type):
    def __getattribute__(cls, name):
        raise RuntimeError(name)

class Odd(metaclass=Meta): ...

class Proxy:
    @property
    def __class__(self):
        raise RuntimeError

odd, proxy, kind = Odd(), Proxy(), Odd
chain = SignalMiddleware(None)
chain.app = chain
"""


DJANGO = """
from clarion.integrations.sqlalchemy import bound

class SessionMiddleware:
    def __call__(self, request):
        bound(session).__enter__()
        return self.get_response(request)
"""


def test_a_binding_that_a_project_of_django_leaves_open(found, monkeypatch):
    """It is found where the session is bound. The application is not needed, because the server imports it."""
    monkeypatch.setattr(pytest.importorskip("django.apps").apps, "ready", True)
    [finding] = found(DJANGO)
    assert (finding.code, finding.line) == ("W008", 6)
    assert "Write `with bound(session):`, in a middleware" in finding.cure
    entered = DJANGO.replace("bound(session).__enter__()", "with bound(session):").replace(
        "        return", "            return"
    )
    assert found(entered) == []
    wrapped = "\nfrom clarion.integrations.wsgi import SignalMiddleware\nserved = SignalMiddleware(print)\n"
    assert found(DJANGO + wrapped) == []


def test_a_program_without_django_may_leave_it_open(found, monkeypatch):
    """A script has one context."""
    if django := sys.modules.get("django.apps"):
        monkeypatch.setattr(django.apps, "ready", False)
    assert found(DJANGO) == []
