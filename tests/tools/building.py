"""Run the programs that build and install Clarion."""

import os
import subprocess
import sys

# Variables that would lead an installed Clarion back to the checkout, or change what it loads.
OURS = {"PYTHONPATH", "CLARION_PURE", "CLARION_TWINS", "DJANGO_SETTINGS_MODULE"}
PIP = (sys.executable, "-m", "pip", "-q", "--no-input", "--disable-pip-version-check")


def run(*command, cwd, **environ):
    """Run a program and return its output; fail with the output if the program fails."""
    inherited = {name: value for name, value in os.environ.items() if name not in OURS}
    done = subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env=inherited | environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert not done.returncode, done.stdout
    return done.stdout.strip()
