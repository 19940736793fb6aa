"""The settings of a worker."""

import pytest

from clarion.errors import ArgumentError
from clarion.outbox import open_database
from clarion.worker import Worker


@pytest.mark.parametrize(
    "setting",
    [{"batch": 0}, {"concurrency": 1.5}, {"lease": 0.0}, {"poll": "1"}, {"grace": -1.0}],
)
def test_a_wrong_setting_is_refused(setting):
    """A wrong setting is refused; the message names it and says what to give."""
    (name,) = setting
    with pytest.raises(ArgumentError, match=f"{name}=.*Give a"):
        Worker(open_database("sqlite:///outbox.db"), **setting)
