"""One linear history of the database for both packages. Alembic runs it (`run.py`); a test keeps it true.

The revisions are named here too, so that checking a database's version does not import Alembic.
"""

REVISIONS = ("0001", "0002", "0003", "0004", "0005", "0006", "0007", "0008", "0009")
HEAD = REVISIONS[-1]
