"""The maker of signed addresses, with the key and the public address in force."""

from __future__ import annotations

from watcher.runtime import Runtime
from watcher.signing import Links
from watcher.store import overview


def links(rt: Runtime) -> Links:
    """Signs with the setting's key, else with the one that the database keeps."""
    with rt.database.read() as conn:
        key = rt.settings.secret_key or overview.remembered(conn, "signing_key")
        public_url = overview.remembered(conn, "public_url")
    if key is None:
        with rt.database.write() as conn:
            key = overview.signing_key(conn)
    return Links(key=key, public_url=public_url)
