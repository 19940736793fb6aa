"""What `make docs` needs besides Sphinx.

`docstrings` makes code of their indented blocks. `messages` reads the texts of errors and warnings.
`contrast` computes the contrast of colours, and `faults` finds what is wrong with pages and
drawings.
"""
