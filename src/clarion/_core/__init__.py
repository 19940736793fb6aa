"""The dispatcher: connect, route, send.

It needs the standard library and no more, knows no framework and no delivery, and is
what `import clarion` loads. Whatever can be done by watching a send belongs elsewhere.
"""
