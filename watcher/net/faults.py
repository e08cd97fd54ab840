"""What goes wrong on the wire, as errors with a stable `reason`; details name a host, never a path or a body."""

from __future__ import annotations

from watcher.errors import CannotHelp, TryAgain


class Unreachable(TryAgain):
    """The far side did not answer well this time: `timeout`, `dns`, `tls`, `connection` or `truncated`.

    `sent` is True once any byte of the request has left: then the far side may have acted on it.
    """

    def __init__(self, reason: str, detail: str, *, sent: bool = False) -> None:
        super().__init__(detail)
        self.reason = reason
        self.sent = sent


class BadAnswer(CannotHelp):
    """The far side answered what we will not take: `too_large`, `bad_encoding` or `redirect_loop`."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason


class BadRequest(CannotHelp):
    """The request itself cannot be sent (a header with a line break); somebody must mend its configuration."""

    reason = "client_error"
