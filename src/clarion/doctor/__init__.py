"""Look for receivers that can never run, and for what loses their calls.

    from clarion.doctor import examine

    for finding in examine(["shop"]):
        print(finding.problem, finding.cure)

In reading order; each module imports only from those above it:

1. `finding`: what is wrong, and where.
2. `scopes`, `connecting`, `source`, `program`: the functions of a source file, the signals that an expression
   connects to, the receivers that a file connects, and the files of a program.
3. `places`: where a receiver is connected. `rules`: the registry, to which an integration adds its own.
4. One module for each kind of rule: `died` with `unheld` and `results`, `uids`, `unimported`, `middleware`, `engines`,
   `deferred`, `stored`.
5. `examine`: all rules together.

Nothing here imports or runs a module of the program. The command ``clarion doctor`` and the system checks
of Django call these rules.

Never put here: a framework. Its rules are in the module `doctor` of its integration.
"""

from __future__ import annotations

from clarion.doctor.examine import examine
from clarion.doctor.finding import Finding
from clarion.doctor.program import Program
from clarion.doctor.rules import register_rule

__all__ = ["Finding", "Program", "examine", "register_rule"]
