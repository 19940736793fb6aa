"""What the commands print."""

import io
import json
import re
import subprocess
import sys

import pytest
import typer

from clarion.cli.failures import CommandError
from clarion.cli.output import (
    failures_as_json,
    prepare_streams,
    print_error,
    print_json,
    print_line,
    print_lines,
    print_sentences,
    print_table,
    reporting,
)
from clarion.cli.tables import Column
from clarion.errors import ClarionError
from tests.cli.conftest import HOSTILE, SHOWN, environment_of
from tests.house.tree import ROOT


def test_a_line_interprets_nothing(capsys):
    """Escape sequences, markup and emoji codes in a line are printed as they are."""
    print_line(f"{HOSTILE} :smile:", (" [b]", "bold"))
    assert capsys.readouterr().out == f"{SHOWN} :smile: [b]\n"


def test_a_long_line_is_not_broken(capsys):
    """A line is not broken, so that a program can read it."""
    print_line("x" * 500)
    print_lines("a\n" + "y" * 500)
    assert [len(each) for each in capsys.readouterr().out.splitlines()] == [500, 1, 500]


class Terminal(io.StringIO):
    """A stream that is a terminal."""

    def isatty(self):
        """Return True."""
        return True


def test_sentences_are_broken_between_words(monkeypatch):
    """In a terminal a sentence is broken between words and indented; a long word stays whole."""
    monkeypatch.setenv("COLUMNS", "30")
    stream = Terminal()
    print_sentences("  a sentence that is longer than the width\n" + "y" * 40, None, stream)
    assert stream.getvalue().splitlines() == [
        "  a sentence that is longer",
        "      than the width",
        "y" * 40,
    ]
    stream = Terminal()
    print_sentences(": the sentence after a word in colour", ("error", "bold"), stream)
    lines = re.sub(r"\x1b\[\d*m", "", stream.getvalue()).splitlines()
    assert lines == ["error: the sentence after a", "    word in colour"]


def test_sentences_in_a_pipe_stay_whole(capsys):
    """In a pipe each sentence is one line."""
    print_sentences("word " * 100 + "end", ("error", "bold"))
    assert capsys.readouterr().out == "error" + "word " * 100 + "end\n"


def test_a_table_interprets_nothing(capsys):
    """The cells of a table are shown as they are."""
    print_table([Column("one"), Column("two", "right")], [(HOSTILE, "7")])
    assert capsys.readouterr().out.splitlines()[1].split() == [SHOWN, "7"]


def test_a_narrow_table_folds_names_and_cuts_errors(capsys, monkeypatch):
    """With 40 columns a name is folded, and the error ends with an ellipsis."""
    monkeypatch.setenv("COLUMNS", "40")
    print_table([Column("name"), Column("error", is_cut=True)], [("n" * 30, "e" * 60)])
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= 40
    assert sum(line.count("n") for line in lines[1:]) == 30
    assert "…" in lines[1]


def test_a_narrow_table_breaks_names_between_their_parts(capsys, monkeypatch):
    """A name that is too long is broken after a dot or an underscore."""
    monkeypatch.setenv("COLUMNS", "30")
    name = "shop.receivers.reserve_stock_in_the_nearest_warehouse"
    print_table([Column("receiver"), Column("runs")], [(name, "sync, priority 10")])
    lines = [line.split("  ")[0].strip() for line in capsys.readouterr().out.splitlines()[1:]]
    assert "".join(lines) == name
    assert all(line.endswith((".", "_", "warehouse")) for line in lines)


def test_json_is_ascii(capsys):
    """JSON has no control character and no other alphabet."""
    print_json({"a": HOSTILE})
    text = capsys.readouterr().out
    assert text.isascii()
    assert "\x1b" not in text
    assert json.loads(text) == {"a": HOSTILE}


def test_errors_of_a_user_are_one_sentence(capsys):
    """An error of Clarion is printed without a traceback, and the exit code is 2."""
    with pytest.raises(typer.Exit) as caught, reporting():
        raise ClarionError(f"It is wrong {HOSTILE}.")
    assert caught.value.exit_code == 2
    assert capsys.readouterr().err == f"error: It is wrong {SHOWN}.\n"


def test_details_come_first(capsys):
    """The details of an error come before it, line by line."""
    with pytest.raises(typer.Exit), reporting():
        raise CommandError("It is wrong.", f"line 1\n{HOSTILE}")
    assert capsys.readouterr().err == f"line 1\n{SHOWN}\nerror: It is wrong.\n"


def test_other_errors_keep_their_traceback():
    """An error that is not one of Clarion's is raised with its traceback."""
    with pytest.raises(ZeroDivisionError), reporting():
        raise ZeroDivisionError


def test_a_poor_encoding_is_no_failure(monkeypatch):
    """A character that the stream cannot encode is printed as an escape."""
    stream = io.TextIOWrapper(io.BytesIO(), encoding="ascii", write_through=True)
    monkeypatch.setattr(sys, "stdout", stream)
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    prepare_streams()
    print_line("Grüße")
    print_error("It is wrong.")
    assert stream.buffer.getvalue() == b"Gr\\xfc\\xdfe\n"


@pytest.mark.parametrize(
    ("columns", "width"), [("0", 200), ("-1", 200), ("wide", 200), ("", 200), ("40", 40)]
)
def test_a_width_that_is_no_number_is_ignored(capsys, monkeypatch, columns, width):
    """A shell may export COLUMNS=0; the text is printed anyway."""
    monkeypatch.setenv("COLUMNS", columns)
    print_table([Column("name")], [["x" * 100]])
    lines = capsys.readouterr().out.split()
    assert max(map(len, lines)) == min(width, 100)


def test_a_failure_is_json_for_a_program(capsys):
    """The first error of Clarion's or of the options that has ended the command is printed."""
    for is_wanted, code, out in (
        (True, 2, '{"error": "No."}\n'),
        (False, 2, ""),
        (True, 1, ""),
    ):
        with pytest.raises(SystemExit), failures_as_json(is_wanted=is_wanted):
            error = SystemExit(code)
            error.__context__ = CommandError("No.")
            raise error
        assert capsys.readouterr().out == out


@pytest.mark.parametrize("closed", ["stdout", "stderr", "both"])
def test_a_closed_stream_is_no_failure(closed):
    """A command whose streams are closed, as after `>&-`, ends without a warning of Python."""
    streams = {"stdout": ">&-", "stderr": "2>&-", "both": ">&- 2>&-"}[closed]
    done = subprocess.run(
        ["/bin/sh", "-c", f'"$1" -W always -m clarion ls clarion {streams}', "sh", sys.executable],
        env=environment_of(ROOT),
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, "Warning" in done.stderr) == (0, False)
