"""The wheel, built once for the tests of the first hour."""

from tests.tools.conftest import checkout, dist, wheel

__all__ = ["checkout", "dist", "wheel"]  # fixtures
