"""The statements of the outbox, by name, as each kind of database and driver takes them.

They are in `sql/`, in one file for each kind of database. There the name of a statement follows
`-- name:`, `{now}` is the clock of the database, `{state}` is `STATE`, and `:name` is a parameter. The
name of a statement in braces, below it, is its text. A statement with `{rows}` exists once for each number of rows up to `FEW`,
as `publish_few_1` and so on.
"""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

from clarion._core.names import quoted_name
from clarion.errors import ArgumentError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Any

# The clock of each database, in milliseconds since 1970. It does not change within a statement, so
# the database can use an index. In local time, one hour would come twice when summer time ends.
_CLOCKS = {
    "sqlite": "CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER)",
    "postgresql": "CAST(extract(epoch FROM statement_timestamp()) * 1000 AS bigint)",
    "mysql": "TIMESTAMPDIFF(MICROSECOND, '1970-01-01', UTC_TIMESTAMP(3)) DIV 1000",
}
DIALECTS = tuple(_CLOCKS)

STATE = 1 << 28
"""The number of an attempt plus this, times the state of `clarion.outbox.lapses`, is in `attempt`. An older
Clarion stored the number alone, and its workers may run beside newer ones: to them it is a larger number."""

FEW = 10  # rows
_ROW = "(:uid, :receiver_{n}, :key_{n}, :part_{n}, {now} + :delay_{n})"
_INCLUDED = re.compile(r"\{(publish_\w+)\}")
_PARAMETER = re.compile(r"(?<![:\w]):([a-z_]+[0-9]*)")


@cache
def statements(dialect: str) -> dict[str, str]:
    """Return the statements of a kind of database by name, with parameters as `:name`.

    Args:
        dialect: "sqlite", "postgresql" or "mysql". "mysql" is for MariaDB too.

    Raises:
        ArgumentError: if there is no such kind.
    """
    if dialect not in _CLOCKS:
        raise ArgumentError(
            f"The outbox has no statements for a database of the kind {quoted_name(dialect)}. "
            f"Use SQLite, PostgreSQL, MariaDB or MySQL.",
            ["dialect"],
        )
    text = files("clarion.outbox").joinpath("sql", f"{dialect}.sql").read_text("utf-8")
    return {
        each: statement.replace("{now}", _CLOCKS[dialect]).replace("{state}", str(STATE))
        for name, template in _templates(text).items()
        for each, statement in _for_each_number(template, name)
    }


def _templates(text: str) -> dict[str, str]:
    """Return the statements of a file, with those that they include."""
    found: dict[str, str] = {}
    for chunk in text.split("-- name: ")[1:]:
        name, _, body = chunk.partition("\n")
        lines = [line for line in body.splitlines() if not line.startswith("--")]
        template = "\n".join(lines).strip()
        found[name.strip()] = _INCLUDED.sub(lambda match: found[match[1]], template)
    return found


def _for_each_number(template: str, name: str) -> Iterator[tuple[str, str]]:
    """Yield a statement for each number of rows, if it depends on that number."""
    if "{rows}" not in template:
        yield name, template
        return
    rows: list[str] = []
    for n in range(1, FEW + 1):
        rows.append(_ROW.replace("{n}", str(n)))
        yield f"{name}_{n}", template.replace("{rows}", ", ".join(rows))


@cache
def pyformat(dialect: str) -> dict[str, str]:
    """Return the statements with parameters as `%(name)s`, which psycopg and PyMySQL take."""
    return {
        name: _PARAMETER.sub(r"%(\1)s", text.replace("%", "%%"))
        for name, text in statements(dialect).items()
    }


@cache
def numbered(dialect: str) -> dict[str, tuple[str, tuple[str, ...]]]:
    """Return the statements with parameters as `$1`, which asyncpg takes, and their names in order."""
    return {name: _number(text) for name, text in statements(dialect).items()}


@cache
def _positional(dialect: str, mark: str) -> dict[str, tuple[str, tuple[str, ...]]]:
    """Return the statements with a mark for each parameter, and the names in their order."""
    return {
        name: (_PARAMETER.sub(mark, _escape(text, mark)), tuple(_PARAMETER.findall(text)))
        for name, text in statements(dialect).items()
    }


def in_style(
    dialect: str, style: str, name: str, parameters: dict[str, Any]
) -> tuple[str, dict[str, Any] | tuple[Any, ...]]:
    """Return a statement and its parameters in the style of a driver.

    Args:
        dialect: the kind of database.
        style: the `paramstyle` of the driver or of its dialect in SQLAlchemy.
        name: the name of the statement.
        parameters: its parameters, by name.

    Raises:
        ArgumentError: if there is no such style.
    """
    if style == "named":
        return statements(dialect)[name], parameters
    if style == "pyformat":
        return pyformat(dialect)[name], parameters
    if style in _MARKS:
        text, order = _positional(dialect, _MARKS[style])[name]
    elif style == "numeric_dollar":
        text, order = numbered(dialect)[name]
    else:
        raise ArgumentError(
            f"The outbox does not support the parameter style {quoted_name(style)}. Use another driver.",
            ["style"],
        )
    return text, tuple([parameters[each] for each in order])


def many_in_style(
    dialect: str, style: str, name: str, rows: Sequence[dict[str, Any]]
) -> tuple[str, list[Any]]:
    """Return a statement, and the parameters of each of its executions, as `in_style`."""
    found = [in_style(dialect, style, name, row) for row in rows]
    return found[0][0], [parameters for _, parameters in found]


_MARKS = {"qmark": "?", "format": "%s"}


def _escape(text: str, mark: str) -> str:
    return text.replace("%", "%%") if "%" in mark else text


def _number(text: str) -> tuple[str, tuple[str, ...]]:
    order = tuple(dict.fromkeys(_PARAMETER.findall(text)))

    def number(match: re.Match[str]) -> str:
        return f"${order.index(match[1]) + 1}"

    return _PARAMETER.sub(number, text), order
