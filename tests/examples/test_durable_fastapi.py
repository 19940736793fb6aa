"""The example of durable receivers in FastAPI."""

import subprocess
import sys

import pytest

from tests.house.tree import ROOT


def test_the_mail_of_a_committed_order_is_sent(tmp_path):
    """And not that of the order that is rolled back; nothing is left behind."""
    for name in ("fastapi", "httpx", "aiosqlite"):
        pytest.importorskip(name)
    command = [sys.executable, "-W", "error", str(ROOT / "examples" / "durable_fastapi.py")]
    done = subprocess.run(
        command, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=60
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "['You have ordered tea']\n"
