"""The tests that a recipe shows pass under pytest, which runs no test of a page."""

import re
import subprocess
import sys

from tests.house.tree import ROOT

BLOCK = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def test_the_tests_of_the_sync_session_pass(tmp_path):
    """In one module, because the blocks of a page share their names."""
    page = ROOT / "docs" / "recipes" / "fastapi-sync-session.md"
    (tmp_path / "test_shop.py").write_text("\n\n".join(BLOCK.findall(page.read_text())))
    options = ["-q", "-p", "no:cacheprovider", "-p", "no:django", "--rootdir", str(tmp_path)]
    run = subprocess.run(
        [sys.executable, "-m", "pytest", *options, "test_shop.py"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert run.returncode == 0, run.stdout
    assert "4 passed" in run.stdout
