"""The commands, one a module, by the name of the module."""
