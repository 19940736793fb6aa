"""What `make docs` needs besides Sphinx: `docstrings` makes code of their indented blocks."""
