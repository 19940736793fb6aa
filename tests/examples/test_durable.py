"""The example whose worker is killed."""

import re
import subprocess
import sys

from tests.house.tree import ROOT


def test_the_counts_are_exact(tmp_path):
    """A rollback stores nothing, and each order has one invoice although a worker is killed."""
    command = [sys.executable, str(ROOT / "examples" / "durable.py"), "--orders", "200"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    lines = done.stdout.splitlines()
    assert lines[2] == "1. A card was declined, and the order rolled back: 0 mails wait."
    assert lines[3] == "2. 200 orders were paid: 400 invoices and mails wait."
    assert "A worker was killed in the middle" in lines[4]
    counts = re.findall(r"│ (orders|invoices) {2,}│ +(\d+) │", done.stdout)
    assert counts == [("orders", "200"), ("invoices", "200")]
    assert any("__main__.send_mail (durable.py:" in line for line in lines)
