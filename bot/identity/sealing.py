"""Encrypts what the store keeps of tokens, with keys that rotate."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from pydantic import SecretStr


class Sealer:
    """Seals with the newest key and opens with any of them.

    A sealed text is bound to words such as a tenant and a person: a row copied to another place
    does not open there.
    """

    def __init__(self, keys: Sequence[SecretStr]) -> None:
        if not keys:
            raise ValueError("at least one encryption key is needed")
        values = [key.get_secret_value().encode() for key in keys]
        self._fernet = MultiFernet([Fernet(value) for value in values])
        self.key_id = hashlib.sha256(values[0]).hexdigest()[:12]

    def __repr__(self) -> str:
        return f"Sealer({self.key_id})"

    def seal(self, secret: str, *bound_to: str) -> bytes:
        """The secret, encrypted with the newest key."""
        plain = json.dumps({"for": list(bound_to), "secret": secret})
        return self._fernet.encrypt(plain.encode())

    def open(self, sealed: bytes, *bound_to: str) -> str | None:
        """The secret, or None when it is damaged, of an unknown key or bound to something else."""
        try:
            plain = json.loads(self._fernet.decrypt(sealed))
        except (InvalidToken, ValueError):
            return None
        if not isinstance(plain, dict) or plain.get("for") != list(bound_to):
            return None
        secret = plain.get("secret")
        return secret if isinstance(secret, str) else None
