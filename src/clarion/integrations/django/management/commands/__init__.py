"""The management commands: `clarion` and `signals`."""
