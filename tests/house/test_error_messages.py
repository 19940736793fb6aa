"""Every error and warning of Clarion's is found by its text in the documentation."""

import ast
import re
import tomllib

from clarion import errors
from documentation import messages
from tests.house.tree import MODULES, ROOT, SRC, nodes_of
from tests.test_errors import MADE

PAGES = ROOT / "docs" / "help" / "messages"
MESSAGES = messages.messages()
# Errors whose whole text is made elsewhere, by module: the reason why they have no text of their own.
PASSED_ON = {
    "cli/__init__.py": "the text of the import that failed",
    "commit/providers.py": "the text of another error of Clarion's",
    "_core/callers.py": "emits what it is given",
    "integrations/django/dispatch/policy.py": "the text of a SenderError",
    "integrations/django/dispatch/senders.py": "its parts are the texts of Fault",
    "integrations/django/dispatch/unusable.py": "the text of a SignatureError",
    "integrations/django/management/commands/signals.py": "repeats another error",
    "integrations/django/outbox/management/commands/outbox.py": "repeats another error",
    "integrations/django/outbox/management/commands/work.py": "repeats another error",
    "testing/enqueued.py": "describes the calls that it has found",
    "testing/assertions.py": "describes the sends that it has found",
}


def reports(path):
    """Return each call in a module that raises an error of Clarion's or warns, with its text."""
    known = {kind.__name__ for kind in vars(errors).values() if isinstance(kind, type)}
    for node in nodes_of(path.read_text()):
        call = node.exc if isinstance(node, ast.Raise) else node
        if isinstance(call, ast.Call) and call.args:
            name = ast.unparse(call.func)
            if name in known or re.fullmatch(r"warnings\.\w+|warn_caller|\w*CommandError", name):
                yield call


def words_of(call):
    """Return the longest literal part of the text that a call is given."""
    parts = [
        node.value
        for node in ast.walk(call.args[0])
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    ]
    return max(parts, key=len, default="")


def is_listed(name, call):
    """Return whether the list has the text that a call in a module is given."""
    part = words_of(call)
    if len(part.split()) < 3:
        resolved = any(each.path == name and each.line == call.lineno for each in MESSAGES)
        return resolved or name in PASSED_ON
    words = " ".join(part.split())
    return part in {"...", ", "} or any(words in each.text for each in MESSAGES)


def test_every_message_is_listed():
    """The text of each error and warning that a module creates is in the list."""
    calls = [
        (path.relative_to(SRC / "clarion").as_posix(), call)
        for path in MODULES
        for call in reports(path)
    ]
    assert calls
    assert not [f"{name}:{call.lineno}" for name, call in calls if not is_listed(name, call)]


def test_every_message_is_on_a_page():
    """Each message belongs to a page, and the page shows its messages."""
    assert {each.page for each in MESSAGES} == messages.PAGES.keys()
    for page in messages.PAGES:
        assert f"{{clarion-messages}} {page}\n" in (PAGES / f"{page}.md").read_text()


def test_every_class_has_a_message():
    """Each class of errors has a message in the list, or makes one from what it found."""
    made_from_findings = {"NotSentError"}
    kinds = {each.kind for each in MESSAGES} | made_from_findings
    assert MADE
    assert not {type(error).__name__ for error in MADE} - kinds


def test_every_cause_has_its_message():
    """Each cause in causes.toml is that of a message."""
    causes = messages.causes()
    written = tomllib.loads(messages.CAUSES.read_text())["cause"]
    assert len(causes) == len(written)
    for start in causes:
        assert any(each.text.startswith(start) for each in MESSAGES), start


def test_a_message_can_be_found():
    """A message has two words of its own at least, so that a search finds it."""
    assert MESSAGES
    assert not [
        f"{each.path}:{each.line}"
        for each in MESSAGES
        if len(re.findall(r"[A-Za-z]{3,}", each.text)) < 2
    ]
