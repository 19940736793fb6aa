"""The error of a command."""

from clarion.cli.failures import CommandError
from clarion.errors import ClarionError


def test_it_has_details():
    """The error of the command line is one of Clarion's, with further lines for the user."""
    error = CommandError("It is wrong.", "line 1")
    assert isinstance(error, ClarionError)
    assert (str(error), error.details) == ("It is wrong.", "line 1")
    assert not CommandError("It is wrong.").details
