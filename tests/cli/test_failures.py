"""The error of a command."""

from clarion.cli.failures import CommandError
from clarion.errors import ClarionError


def test_it_has_details():
    """It is an error of Clarion, with more lines for the user."""
    error = CommandError("It is wrong.", "line 1")
    assert isinstance(error, ClarionError)
    assert (str(error), error.details) == ("It is wrong.", "line 1")
    assert not CommandError("It is wrong.").details
