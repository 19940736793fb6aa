"""Call a receiver in a savepoint of the transaction around a test (`clarion.testing.commits`).

In the program, a receiver that breaks a constraint affects no other. In the transaction of a test,
PostgreSQL would then refuse all later statements. Only in this case, the savepoint is rolled back. A
receiver that raises for another reason keeps its writes, as in the program.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

from clarion.commit.drivers.choose import driver_for

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable


def call_in_savepoint(connection: Any, name: str, function: Callable[[], Any]) -> Any:
    """Call a function in a savepoint, and return its response.

    Args:
        connection: a connection that is in a transaction. An async one gets no savepoint, because
            a sync function cannot use it.
        name: a name that no other savepoint of the transaction has.
        function: the function, which calls the receiver.
    """
    driver = driver_for(connection)
    if driver.is_async:
        return function()
    try:
        # A new list for failed rollbacks, to ignore them: the test rolls back anyway.
        manager = driver.savepoint(name, [])
        manager.__enter__()
    except Exception:  # noqa: BLE001  # the test has aborted the transaction itself
        return function()
    try:
        response = function()
    except BaseException as error:
        _leave(driver, manager, error)
        raise
    _leave(driver, manager, None)
    return response


def _leave(driver: Any, manager: Any, raised: BaseException | None) -> None:
    """Release a savepoint, or roll it back if the database refuses further statements."""
    with suppress(Exception):  # the connection is lost, or a statement has ended the savepoint
        try:
            _check_contained(raised)
            driver.check_not_aborted()
        except BaseException as error:  # noqa: BLE001
            manager.__exit__(type(error), error, error.__traceback__)
        else:
            manager.__exit__(None, None, None)


async def acall_in_savepoint(
    connection: Any, name: str, function: Callable[[], Awaitable[Any]]
) -> Any:
    """Await a function in a savepoint, as `call_in_savepoint` does; also on an async connection."""
    driver: Any = driver_for(connection)
    try:
        manager = driver.savepoint(name, [])
        await manager.__aenter__() if driver.is_async else manager.__enter__()
    except Exception:  # noqa: BLE001
        return await function()
    try:
        response = await function()
    except BaseException as error:
        await _aleave(driver, manager, error)
        raise
    await _aleave(driver, manager, None)
    return response


async def _aleave(driver: Any, manager: Any, raised: BaseException | None) -> None:
    """Release a savepoint or roll it back, as `_leave` does."""
    if not driver.is_async:
        _leave(driver, manager, raised)
        return
    with suppress(Exception):
        try:
            _check_contained(raised)
            await driver.acheck_not_aborted()
        except BaseException as error:  # noqa: BLE001
            await manager.__aexit__(type(error), error, error.__traceback__)
        else:
            await manager.__aexit__(None, None, None)


def _check_contained(raised: BaseException | None) -> None:
    """Raise an exception that ends the program or the task, but not a receiver's failure."""
    if raised is not None and not isinstance(raised, Exception):
        raise raised
