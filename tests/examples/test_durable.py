"""The example whose worker is killed."""

import subprocess
import sys

from tests.house.tree import ROOT


def test_the_tallies_are_exact(tmp_path):
    """A rollback stores nothing, and each order has one invoice although a worker is killed."""
    command = [sys.executable, str(ROOT / "examples" / "durable.py"), "--orders", "200"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    lines = done.stdout.splitlines()
    assert lines[0] == "One order was rolled back: 0 deliveries are stored for it."
    assert lines[1] == "200 orders were paid: 400 deliveries are stored."
    assert "A worker was killed in the middle" in lines[2]
    assert [line.split()[-2] for line in lines if " orders  " in line or "invoices " in line] == [
        "200",
        "200",
    ]
