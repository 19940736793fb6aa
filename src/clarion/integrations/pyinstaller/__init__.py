"""PyInstaller: bundle the integrations that Clarion imports by name.

PyInstaller finds the folder of this package through an entry point of the distribution. It
runs the files `hook-clarion`, `hook-django.db` and `hook-sqlalchemy.orm` when the program
contains the module that each is named after. Only PyInstaller reads these files.

`hooks` has what they share. Never put here: an import of PyInstaller outside of the hook
files, or code that a bundled program needs.
"""
