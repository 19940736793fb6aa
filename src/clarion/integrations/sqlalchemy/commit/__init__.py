"""Receivers that run after the commit of a session."""
