"""A reader who does what the pages say, in an empty directory."""

from tests.first_time.blocks import INTERRUPT, File, blocks_of
from tests.first_time.outputs import matches
from tests.first_time.terminal import Terminal

# Commands that build an environment. The reader leaves them out where everything is installed.
INSTALLING = ("python -m venv ", "source ", "pip install ", "mypy ")


class Reader:
    """Follows pages: writes their files, types their commands, compares what is shown.

    Args:
        folder: an empty directory. After `cd`, files are written where it leads, and new terminals
            begin there.
        environ: the environment variables of the terminals.
        skipped: how the commands begin that are left out.
        replaced: texts on the pages, and what the reader writes instead, as for a port in use.
    """

    def __init__(self, folder, environ, skipped=(), replaced=None):
        self._folder = folder
        self._environ = environ
        self._skipped = tuple(skipped)
        self._replaced = replaced or {}
        self._terminals = {}

    def follow(self, page):
        """Do all that a page says.

        Raises:
            AssertionError: if a terminal shows something else than the page.
        """
        text = page.read_text()
        for old, new in self._replaced.items():
            text = text.replace(old, new)
        for block in blocks_of(text):
            if isinstance(block, File):
                self._write(block)
                continue
            for step in block.steps:
                self._do(step, block.terminal, f"{page.parent.name}/{page.name}:{step.line}")

    def close(self):
        """Close the terminals."""
        for terminal in self._terminals.values():
            terminal.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def _write(self, file):
        path = self._folder / file.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(file.text)

    def _do(self, step, name, place):
        if step.command is not None and step.command.startswith(self._skipped):
            return
        if name not in self._terminals:
            self._terminals[name] = Terminal(self._folder, self._environ)
        terminal = self._terminals[name]
        expected = "\n".join(step.output)
        if step.command == INTERRUPT:
            terminal.interrupt()
        elif step.command is not None:
            if terminal.is_running:
                check(place, "", terminal.finish()[0])
            terminal.start(step.command)
            if step.command.startswith("cd "):
                self._folder /= step.command.removeprefix("cd ")
        if name and step.command != INTERRUPT:
            # The command may go on while the reader does something in the first terminal.
            shown = terminal.wait_for(lambda shown: matches(expected, shown))
        else:
            shown, status = terminal.finish()
            assert expected or not status, f"{place}: the command ended with {status}:\n{shown}"
        check(place, expected, shown)


def check(place, expected, shown):
    """Compare an output with that of the page."""
    assert matches(expected, shown), f"{place}: expected\n{expected}\n--- but shown is\n{shown}"
