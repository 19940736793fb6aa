"""Durable deliveries in the databases of a Django project.

Add `"clarion.integrations.django.outbox"` to INSTALLED_APPS, and migrate. The app has the tables, the
commands `work` and `outbox`, the admin and the system checks. A project without durable receivers
does not need it.

Read in this order; imports go downward only:

1. `vendors`: the kinds of databases. `notes`: what an error at a send adds.
2. `connection`: the outbox's statements on a connection of Django's.
3. `snapshots`, `references`: objects of models as references, with their values where they are wanted.
   `stored`: how the model signals are stored.
4. `kept_connections`, `task_threads`: which connections are kept for the next call of a receiver, and in
   which threads. `database`: a database for the worker. `own_connection`: one for tests. `checks`: the system checks. `tables`, `models`, `migrations`: the tables.
5. `shown`, `admin`: what a person reads. `management`: the commands. `apps`: the app.

`commit` and the app of the whole integration import `connection`, `references` and `stored`.
"""
