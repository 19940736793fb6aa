"""The speed of durable receivers, beside bare statements and beside task queues.

Each contender runs in processes of its own, and the contenders of one run use one database.
"""
