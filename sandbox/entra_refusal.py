"""How Entra says no: OAuth error, AADSTS number, and the challenge that would change its mind."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime


class EntraRefused(Exception):
    """A refusal in Entra's shape: OAuth error, AADSTS number and words."""

    def __init__(
        self,
        error: str,
        number: int,
        text: str,
        *,
        suberror: str | None = None,
        claims: str | None = None,
    ) -> None:
        super().__init__(f"AADSTS{number}: {text}")
        self.error = error
        self.number = number
        self.suberror = suberror
        self.claims = claims

    @property
    def status(self) -> int:
        """The HTTP status Entra answers with: 401 for a bad client, else 400."""
        return 401 if self.error == "invalid_client" else 400

    def body(self) -> dict[str, object]:
        """The JSON body of the token endpoint."""
        extra = {"suberror": self.suberror, "claims": self.claims}
        stamp = f"{datetime.now(UTC):%Y-%m-%d %H:%M:%SZ}"
        trace, correlation = str(uuid.uuid4()), str(uuid.uuid4())
        return {
            "error": self.error,
            "error_description": f"{self} Trace ID: {trace} Correlation ID: {correlation} "
            f"Timestamp: {stamp}",
            "error_codes": [self.number],
            "timestamp": stamp,
            "trace_id": trace,
            "correlation_id": correlation,
            **{name: value for name, value in extra.items() if value is not None},
        }
