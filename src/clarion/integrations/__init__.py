"""Doors, one per framework.

A door says in the framework's words what the rooms behind it do. Doors never import
each other, and a framework is imported behind its own door only.
"""
