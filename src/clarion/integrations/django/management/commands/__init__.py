"""The management commands: `clarion`, `doctor` and `signals`."""
