"""Receivers that run after the commit of a Django database."""
