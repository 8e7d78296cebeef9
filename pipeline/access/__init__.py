"""Who may see and change what: users with roles, sign-in, what a role reaches, and the log of what was done.

`people` says what a user and a role are, `scope` which reps and calls a user sees, `book` keeps users, sessions, links,
tokens and the log in one SQLite file of the data folder, `access.sqlite`. It is a record, not built from anything: the
DuckDB store can be thrown away, this file cannot. The command line on the same machine acts as an admin.
"""
