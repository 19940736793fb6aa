"""Run the command line: `clarion`, or `python -m clarion`."""

from __future__ import annotations

from clarion.cli import main as run


def main() -> None:
    """Run the command of this process, and end with its exit code."""
    run(keeps_output=True)


if __name__ == "__main__":
    main()
