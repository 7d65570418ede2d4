"""The sandbox's encryption key: made on the first run, kept in a file only its owner can read."""

from __future__ import annotations

import os
from pathlib import Path

from cryptography.fernet import Fernet


def sandbox_key(folder: Path) -> str:
    """The Fernet key kept in `folder`, made when there is none. Raises OSError."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = folder / "encryption.key"
    try:
        opened = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return path.read_text(encoding="ascii").strip()
    key = Fernet.generate_key()
    with os.fdopen(opened, "wb") as file:
        file.write(key)
    return key.decode()
