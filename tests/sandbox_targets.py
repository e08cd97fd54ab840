"""What the sandbox's tests run inside of the child."""

from __future__ import annotations

import contextlib
import json
import os
import sys
import threading
import time
from typing import Any


def echo(payload: Any) -> Any:
    return payload


def where(_payload: Any) -> dict[str, Any]:
    return {"pid": os.getpid(), "secrets": sorted(name for name in os.environ if "SECRET" in name)}


def sleep(payload: float) -> None:
    time.sleep(payload)


def burn(_payload: Any) -> None:
    while True:
        pass


def swell(_payload: Any) -> int:
    return len(bytearray(2 * 1024**3))


def leave(_payload: Any) -> None:
    os._exit(3)


def fail(_payload: Any) -> None:
    raise ValueError("no good")


def recurse(payload: int) -> int:
    return recurse(payload + 1)


def chatter(payload: Any) -> Any:
    print("noise" * 1000)
    sys.stdout.flush()
    os.write(1, b"more noise")
    return payload


def work(payload: float) -> float:
    """Use so many processor seconds."""
    until = time.process_time() + payload
    while time.process_time() < until:
        pass
    return payload


def echo_late(payload: dict[str, Any]) -> Any:
    time.sleep(payload["s"])
    return payload["said"]


def answer_again(payload: float) -> None:
    """Answer the first request once more, so many seconds from now."""
    body = json.dumps({"number": 1, "answer": "of somebody else"}).encode()

    def say() -> None:
        for pipe in range(3, 10):
            with contextlib.suppress(OSError):
                os.write(pipe, len(body).to_bytes(4, "big") + body)

    threading.Timer(payload, say).start()
