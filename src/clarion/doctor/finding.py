"""What is wrong with a receiver, and where."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from clarion.listing import short_file

if TYPE_CHECKING:
    from typing import Self


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that keeps a receiver from running, or that loses its calls.

    Attributes:
        code: the kind of finding, such as "W001". Django's system checks have it as "clarion.W001".
        subject: the name of the receiver, module, database or engine.
        problem: what is wrong, in a sentence.
        cure: what to do, in a sentence.
        file: the path of the file that has the fault, or None.
        line: the line in this file, or None.
    """

    code: str
    subject: str
    problem: str
    cure: str
    file: str | None = None
    line: int | None = None

    @property
    def place(self) -> str:
        """The file, below the folder that it is imported from, and the line; empty if unknown."""
        if self.file is None:
            return ""
        return (
            short_file(self.file) if self.line is None else f"{short_file(self.file)}:{self.line}"
        )

    @classmethod
    def of(
        cls, code: str, subject: str, message: str, place: tuple[str, int] | None = None
    ) -> Self:
        """Return the finding of a message whose first sentence is the problem, and the rest the cure.

        Args:
            code: the kind of finding.
            subject: the name of the receiver, module, database or engine.
            message: the message.
            place: the file and the line, if known.
        """
        problem, _, cure = message.partition(". ")
        file, line = place or (None, None)
        return cls(code, subject, f"{problem.removesuffix('.')}.", cure, file, line)
