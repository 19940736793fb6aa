"""The example without a framework."""

import subprocess
import sys

from tests.house.tree import ROOT


def test_plain_example_tells_who_heard_what(tmp_path):
    """It needs nothing but Clarion, warns of nothing, and prints what each receiver answered."""
    command = [sys.executable, "-W", "error", str(ROOT / "examples" / "plain.py")]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    told = [line.strip() for line in done.stdout.splitlines()]
    assert told[:7] == [
        "sold, at the counter",
        "write_journal: 'counter: tea'",
        "print_label: 'printed tea'",
        "sold, on the web",
        "write_journal: 'web: tea'",
        "print_label: 'printed tea'",
        "send_mail: 'mailed about 3 tea'",
    ]
    assert "print_label: ValueError('no label is that large')" in told
    assert "write_journal: 'counter: closed'" in told
    assert told[-1].endswith("listens to 'web', async")
