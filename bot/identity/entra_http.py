"""The connection to Entra that MSAL is given: pooled, timed, following no redirect.

MSAL's own cache of answers is shared by all people for on-behalf-of calls, so that one person's
429 would hold up everybody; here only discovery documents and keys are kept, for a day.
"""

from __future__ import annotations

import ssl
import threading
import time
from collections.abc import Mapping
from functools import lru_cache
from http.cookiejar import DefaultCookiePolicy
from pathlib import Path
from typing import Any

import requests

CONNECT_SECONDS = 3.05
READ_SECONDS = 8.0
KEEP_SECONDS = 86_400.0
CONNECTIONS = 16


class _Adapter(requests.adapters.HTTPAdapter):
    """Trusts what one context does. Requests reads all roots anew for every connection, which
    takes 15 ms of CPU, and 0.7 MB for as long as it is open."""

    def __init__(self, trust: ssl.SSLContext) -> None:
        self._trust = trust
        super().__init__(pool_maxsize=CONNECTIONS)

    def init_poolmanager(
        self,
        connections: int,
        maxsize: int,
        block: bool = False,
        **more: Any,  # noqa: ANN401 - urllib3's own
    ) -> None:
        """Every connection is made with the context."""
        super().init_poolmanager(connections, maxsize, block, ssl_context=self._trust, **more)

    def cert_verify(self, conn: Any, url: str, verify: object, cert: object) -> None:  # noqa: ANN401
        """Names no file of roots, which would be read for each connection again."""
        conn.cert_reqs = "CERT_REQUIRED"


@lru_cache(maxsize=1)
def _trust(ca_file: Path | None) -> ssl.SSLContext:
    """The roots of this machine, as towards Teams and Partner Center, or only those named."""
    return ssl.create_default_context(cafile=ca_file)


class EntraHttp:
    """GET and POST for MSAL. Thread-safe; keeps no cookies, as they would mix people."""

    def __init__(self, ca_file: Path | None) -> None:
        self._session = requests.Session()
        self._session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        self._session.mount("https://", _Adapter(_trust(ca_file)))
        if ca_file is not None:
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
