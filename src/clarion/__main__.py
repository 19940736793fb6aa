"""Run the command line: `clarion`, or `python -m clarion`."""

from __future__ import annotations

import sys

INTERRUPTED = 128 + 2  # the exit code that a shell reports for a program that SIGINT has ended


def main() -> None:
    """Run the command of this process, and end with its exit code."""
    try:
        from clarion.cli import main as run  # it loads packages, and Ctrl+C may come meanwhile

        run(keeps_output=True)
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)


if __name__ == "__main__":
    main()
