"""Run the command line: `python -m clarion`."""

from __future__ import annotations

from clarion.cli import main

if __name__ == "__main__":
    main()
