"""Connections that report the status of a MySQL server; test_base.py uses a real one."""

from types import SimpleNamespace

import pytest

from clarion.commit.drivers.mysql import AsyncMysqlDriver, MysqlDriver


@pytest.mark.parametrize("driver", [MysqlDriver, AsyncMysqlDriver])
@pytest.mark.parametrize(("status", "is_open"), [(0, False), (1, True), (2, False), (3, True)])
def test_status_of_the_server(driver, status, is_open):
    """One bit of the server's status is the transaction; another is autocommit."""
    assert driver(SimpleNamespace(server_status=status)).in_transaction() is is_open
