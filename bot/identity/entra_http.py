"""The connection to Entra that MSAL is given: pooled, timed, following no redirect.

MSAL's own cache of answers is shared by all people for on-behalf-of calls, so that one person's
429 would hold up everybody; here only discovery documents and keys are kept, for a day.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from http.cookiejar import DefaultCookiePolicy
from pathlib import Path

import requests

CONNECT_SECONDS = 3.05
READ_SECONDS = 8.0
KEEP_SECONDS = 86_400.0


class EntraHttp:
    """GET and POST for MSAL. Thread-safe; keeps no cookies, as they would mix people."""

    def __init__(self, ca_file: Path | None) -> None:
        self._session = requests.Session()
        self._session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        self._session.mount("https://", requests.adapters.HTTPAdapter(pool_maxsize=16))
        if ca_file is not None:
            self._session.verify = str(ca_file)
            self._session.trust_env = False
        self._kept: dict[str, tuple[float, requests.Response]] = {}
        self._lock = threading.Lock()
        self._closed = False

    def get(
        self,
        url: str,
        *,
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        fresh: bool = False,
    ) -> requests.Response:
        """A public document of Entra, at most a day old, or asked for again when `fresh`."""
        key = f"{url} {sorted((params or {}).items())}"
        with self._lock:
            at, kept = self._kept.get(key, (0.0, None))
        if kept is not None and not fresh and time.monotonic() - at < KEEP_SECONDS:
            return kept
        self._check_open()
        answer = self._session.get(
            url,
            params=params,
            headers=headers,
            timeout=(CONNECT_SECONDS, READ_SECONDS),
            allow_redirects=False,
        )
        if answer.status_code == requests.codes.ok:
            with self._lock:
                self._kept[key] = (time.monotonic(), answer)
        return answer

    def post(
        self,
        url: str,
        *,
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        data: Mapping[str, str] | None = None,
    ) -> requests.Response:
        """A call of the token endpoint; sent once."""
        self._check_open()
        return self._session.post(
            url,
            params=params,
            headers=headers,
            data=data,
            timeout=(CONNECT_SECONDS, READ_SECONDS),
            allow_redirects=False,
        )

    def close(self) -> None:
        """Closes the connections; a thread that is between two calls gets no new one."""
        self._closed = True
        self._session.close()

    def _check_open(self) -> None:
        if self._closed:
            raise requests.ConnectionError("closed")
