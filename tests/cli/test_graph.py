"""`clarion graph`."""

import gc
import json
import sys

import pytest

RECEIVERS = """
from clarion import Signal, on_commit, receiver

order_paid = Signal(name="stall.order_paid")
nobody = Signal(name="stall.nobody")

@receiver(order_paid, delivery=on_commit)
def mail(sender, **kwargs): ...
"""

MORE = """
@receiver(order_paid, priority=2)
def index(sender, **kwargs): ...
"""


@pytest.fixture
def stall(tmp_path, monkeypatch):
    """Return a function that writes a module with receivers, and returns its name."""
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)

    def write(text=RECEIVERS):
        sys.modules.pop("stall_receivers", None)
        gc.collect()  # frees the signals of the module before
        (tmp_path / "stall_receivers.py").write_text(text)
        return "stall_receivers"

    yield write
    sys.modules.pop("stall_receivers", None)


@pytest.fixture
def graph(invoke, stall):
    """Return a function that runs `clarion graph` on the signals of the module."""

    def graph(*options, text=RECEIVERS):
        return invoke("graph", stall(text), "--signal", "stall.", *options)

    return graph


def test_it_draws_mermaid(graph):
    """By default the command prints a drawing in Mermaid."""
    done = graph()
    assert (done.exit_code, done.stderr) == (0, "")
    assert done.stdout.startswith("flowchart LR\n")
    assert "stall_receivers.mail" in done.stdout
    assert "stall.nobody" not in done.stdout
    assert "stall.nobody" in graph("--all").stdout


@pytest.mark.parametrize(
    ("form", "start"), [("dot", "digraph"), ("json", "{"), ("svg", "<svg"), ("mermaid", "flow")]
)
def test_formats(graph, tmp_path, form, start):
    """A drawing of each format can be written to a file."""
    shown, path = graph("--format", form), tmp_path / "drawn"
    assert shown.stdout.startswith(start)
    done = graph("--format", form, "--output", path)
    assert (done.exit_code, done.stdout) == (0, "")
    assert path.read_text() == shown.stdout


@pytest.mark.parametrize(
    ("name", "start"), [("g.dot", "digraph"), ("g.JSON", "{"), ("g.svg", "<svg"), ("g.mmd", "flow")]
)
def test_the_name_of_the_file_chooses_the_format(graph, tmp_path, name, start):
    """Without --format, a file gets what its name says."""
    assert graph("--output", tmp_path / name).exit_code == 0
    assert (tmp_path / name).read_text().startswith(start)
    assert graph("--output", tmp_path / name, "--format", "dot").exit_code == 0
    assert (tmp_path / name).read_text().startswith("digraph")


def test_a_picture_of_another_kind_is_refused(graph, tmp_path):
    """The message has the command of Graphviz."""
    done = graph("--output", tmp_path / "g.png")
    assert done.exit_code == 2
    assert "clarion graph does not write PNG. Write .svg, or use Graphviz" in done.stderr
    assert not (tmp_path / "g.png").exists()


@pytest.mark.parametrize("form", ["mermaid", "dot", "svg"])
def test_an_empty_drawing_is_explained(graph, form):
    """A hint on standard error says why, and --all draws signals without receivers."""
    done = graph("--format", form, "--receiver", "stall_recievers.mail")
    assert (done.exit_code, "Did you mean stall_receivers" in done.stderr) == (0, True)
    as_json = graph("--json", "--receiver", "zzz")
    assert json.loads(as_json.stdout)["signals"] == []
    assert "hint: Nothing is connected with --signal stall., --receiver zzz." in as_json.stderr


def test_a_graph_that_mermaid_refuses_has_a_hint(graph):
    """More than 500 lines are drawn by SVG, and not by Mermaid as pages have it."""
    more = "for n in range(501): order_paid.connect(lambda n=n, **kwargs: n, dispatch_uid=str(n))\n"
    done = graph(text=RECEIVERS + more)
    assert "Mermaid draws at most 500 lines and 50,000 characters" in done.stderr
    assert graph("--format", "svg", text=RECEIVERS + more).stderr == ""


def test_a_whole_path_is_a_filter(graph, tmp_path):
    """A path as a shell completes it chooses the same receivers as its end."""
    found = [
        graph("--file", each).stdout for each in ("stall_receivers.py", "./stall_receivers.py")
    ]
    found.append(graph("--file", tmp_path / "stall_receivers.py").stdout)
    assert "stall_receivers.mail" in found[0]
    assert found[0] == found[1] == found[2]


def test_filters(graph):
    """A receiver, a sender and a file select what is drawn, as in `clarion ls`."""
    found = json.loads(graph("--json", "--receiver", "index", text=RECEIVERS + MORE).stdout)
    assert [each["receiver"] for each in found["connections"]] == ["stall_receivers.index"]
    assert json.loads(graph("--json", "--file", "other.py").stdout)["connections"] == []


@pytest.fixture
def old(graph, tmp_path):
    """Return the path of the graph of the first module."""
    path = tmp_path / "old.json"
    assert graph("--format", "json", "--output", path).exit_code == 0
    return path


def test_nothing_differs(graph, old):
    """If receivers have only moved to other lines, nothing differs and the exit code is 0."""
    done = graph("--diff", old, text="#\n#\n" + RECEIVERS)
    assert done.exit_code == 0
    assert done.stdout == "No receiver is connected, disconnected or changed.\n"


def test_a_difference_is_a_table(graph, old):
    """A difference is printed as a table, and the exit code is 1."""
    done = graph(
        "--diff", old, text=RECEIVERS.replace("=on_commit)", "=on_commit, once=True)") + MORE
    )
    assert done.exit_code == 1
    lines = [line.split() for line in done.stdout.splitlines()]
    assert lines[1] == ["+", "stall.order_paid", "stall_receivers.index", "priority", "2"]
    assert lines[2][:3] == ["~", "stall.order_paid", "stall_receivers.mail"]
    assert lines[2][3:] == ["once:", "no", "->", "yes"]
    assert done.stdout.endswith("2 receivers differ: 1 connected, 1 changed.\n")


def test_a_difference_for_programs_and_comments(graph, old, tmp_path):
    """A difference can be JSON, Markdown, or text in a file."""
    found = json.loads(graph("--diff", old, "--json", text=RECEIVERS + MORE).stdout)
    assert [each["change"] for each in found] == ["connected"]
    shown = graph("--diff", old, "--format", "markdown", text=RECEIVERS + MORE)
    assert shown.exit_code == 1
    assert shown.stdout.startswith("### Signals\n")
    path = tmp_path / "difference.txt"
    assert graph("--diff", old, "--output", path, text=RECEIVERS + MORE).stdout == ""
    assert path.read_text().splitlines()[0].startswith("+  stall.order_paid  stall_receivers.index")


def test_a_hostile_name_in_a_file_of_text(graph, old, tmp_path):
    """A name with control characters is escaped in a file of text."""
    path = tmp_path / "difference.txt"
    text = RECEIVERS + "order_paid.connect(mail, sender='a\\n\\x1b\\ud800')\n"
    text += MORE + "index.__qualname__ = 'a\\n\\x1b\\ud800'\n"
    done = graph("--diff", old, "--output", path, text=text)
    assert (done.exit_code, done.stderr) == (1, "")
    assert r"stall_receivers.a\n\x1b\ud800" in path.read_text()
    assert path.read_text().isascii()


def test_what_a_module_prints_is_not_in_the_output(graph):
    """Text that a module prints goes to standard error."""
    done = graph("--json", text="print('starting')\n" + RECEIVERS)
    assert json.loads(done.stdout)["clarion_graph"] == 1
    assert done.stderr == "starting\n"


def test_filters_apply_to_both(graph, old):
    """A filter applies to both graphs, so a receiver that it leaves out is not reported."""
    assert graph("--diff", old, "--receiver", "index").exit_code == 0


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (["--format", "png"], "The format png is unknown here. Choose: mermaid, dot, json, svg."),
        (["--format", "markdown"], "Choose: mermaid, dot, json, svg."),
        (["--format", "svg", "--json"], "Give one of them."),
        (["--diff", "no.json"], "no.json cannot be read: No such file or directory."),
        (["--output", "no/where"], "no/where cannot be written: No such file or directory."),
    ],
)
def test_a_mistake_is_one_sentence(graph, options, expected):
    """A mistake of the user is one sentence with the exit code 2, and nothing is drawn."""
    done = graph(*options)
    assert (done.exit_code, done.stdout) == (2, "")
    assert expected in done.stderr


def test_an_old_graph_that_is_none(graph, tmp_path):
    """A file that is no graph is refused before the modules are imported."""
    path = tmp_path / "old.json"
    path.write_bytes(b"\xff{")
    done = graph("--diff", path, text="raise SystemExit")
    assert done.exit_code == 2
    assert "The text is no graph of Clarion" in done.stderr


def test_a_module_is_needed(invoke):
    """Without a module the command is refused."""
    for command in (["graph"], ["ls"], ["explain", "-s", "x"]):
        done = invoke(*command)
        assert done.exit_code == 2
        assert "Name a module that connects receivers" in done.stderr
