"""`python -m watcher.web`: serve the page until told to stop."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

import uvicorn

from watcher import log, runtime, settings
from watcher.errors import WatcherError
from watcher.web import app

_log = log.get("web")


def main(argv: Sequence[str] | None = None) -> int:
    """Serve; 0 after an orderly end, 1 when it could not start."""
    parser = argparse.ArgumentParser(prog="python -m watcher.web", description=__doc__)
    parser.add_argument("--host", help="address to listen on; WATCHER_WEB_HOST when absent")
    parser.add_argument("--port", type=int, help="port; WATCHER_WEB_PORT when absent")
    options = parser.parse_args(argv)
    try:
        chosen = settings.with_values(settings.load(), web_host=options.host, web_port=options.port)
        log.configure(level=chosen.log_level)
        rt = runtime.open(chosen)
    except WatcherError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    server = uvicorn.Server(
        uvicorn.Config(
            app(rt),
            host=chosen.web_host,
            port=chosen.web_port,
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,  # whom to believe is WATCHER_TRUSTED_PROXIES's to say
            lifespan="off",
            timeout_keep_alive=5,
            timeout_graceful_shutdown=3,
            limit_concurrency=100,
        )
    )
    try:
        server.run()
    finally:
        rt.close()
    return 0 if server.started else 1


if __name__ == "__main__":
    sys.exit(main())
