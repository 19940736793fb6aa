"""The commands. A command has the name of its module: `work` and `outbox`."""
