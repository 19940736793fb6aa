"""The example without a framework."""

import subprocess
import sys

from tests.house.tree import ROOT


def test_plain_example_prints_every_response(tmp_path):
    """It needs only Clarion, prints no warning, and prints the response of each receiver."""
    command = [sys.executable, "-W", "error", str(ROOT / "examples" / "plain.py")]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    lines = [line.strip() for line in done.stdout.splitlines()]
    assert lines[:9] == [
        "A shop in plain Python",
        "",
        "sold, at the counter",
        "write_journal: 'counter: tea'",
        "print_label: 'printed tea'",
        "sold, on the web",
        "write_journal: 'web: tea'",
        "print_label: 'printed tea'",
        "send_mail: 'mailed about 3 tea'",
    ]
    assert "print_label: ValueError('no label is that large')" in lines
    assert "write_journal: 'counter: closed'" in lines
    assert lines[-1].endswith("listens to 'web', async")
