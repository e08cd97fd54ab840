"""The broker: does it answer, may it drop messages, does it keep them over a restart, how full is it?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import redis

from watcher import embedded
from watcher.pipeline.doctor.finding import Finding, bad, ok, warn
from watcher.runtime import Runtime

_TIMEOUT_S = 4.0
_FULL = 0.8
"""Share of `maxmemory` from which on it is nearly full."""


def look(rt: Runtime) -> Iterator[Finding]:
    """The findings of the broker that the settings name, else of the private one."""
    client = redis.Redis.from_url(
        embedded.client_url(rt.settings), socket_timeout=_TIMEOUT_S, socket_connect_timeout=_TIMEOUT_S
    )
    try:
        about: Mapping[str, Any] = client.info()
    except redis.AuthenticationError:
        yield bad("broker", "it refuses our name or password", "mend WATCHER_REDIS_URL")
        return
    except (redis.RedisError, OSError) as error:
        advice = (
            "start it; nudges wait, rows are safe" if rt.settings.redis_url else "run `watcher up`, which brings one"
        )
        yield bad("broker", f"it does not answer ({type(error).__name__})", advice)
        return
    finally:
        client.close()
    yield from judge(about)


def judge(about: Mapping[str, Any]) -> Iterator[Finding]:
    """Of what INFO says: policy, persistence, memory. Pure."""
    name = about.get("server_name") or "redis"
    version = about.get("valkey_version") or about.get("redis_version", "?")
    yield ok("broker", f"{name} {version} answers")
    policy = str(about.get("maxmemory_policy", "noeviction"))
    if policy == "noeviction":
        yield ok("broker policy", "noeviction: a full broker refuses, and loses nothing")
    else:
        yield bad(
            "broker policy",
            f"{policy}: when it is full it drops messages without a word, and workers refuse to start",
            "set maxmemory-policy noeviction (CONFIG SET maxmemory-policy noeviction, and in its file)",
        )
    if about.get("aof_enabled"):
        yield ok("broker persistence", "an append-only file is kept")
    else:
        advice = "set appendonly yes, to spare the sweep that work"
        yield warn("broker persistence", "what waits in it is gone after a restart; the sweep finds it again", advice)
    most, used = int(about.get("maxmemory") or 0), int(about.get("used_memory") or 0)
    if most and used > _FULL * most:
        told = f"{used / most:.0%} of maxmemory ({most // 2**20} MiB) is used"
        yield warn("broker memory", told, "give it more, or look who else uses it")
    else:
        yield ok("broker memory", f"{used / 2**20:.0f} MiB of {f'{most // 2**20} MiB' if most else 'no limit'}")
