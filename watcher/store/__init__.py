"""The only SQL of the project: one module per family of tables."""

from sqlalchemy import Connection as Connection
