"""What can go wrong with the store, in words a person at the console understands."""

from __future__ import annotations


class StoreError(Exception):
    """The store could not do its work; nothing of the transaction was kept."""


class StoreBusy(StoreError):
    """Somebody else held the database for longer than five seconds."""


class StoreFull(StoreError):
    """There is no room left to write."""


class StoreUnavailable(StoreError):
    """The database cannot be opened, read or reached."""


class UnknownDatabase(StoreError):
    """The database address is of a kind Dealdesk does not use."""


class SchemaTooNew(StoreError):
    """A newer Dealdesk has already changed this database; this one must not touch it."""
