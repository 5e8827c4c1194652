"""Secrets at rest: what must be read again (webhook secrets, signing keys, game keys) is kept encrypted."""

import hashlib
import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

NONCE_BYTES = 12
VERSION = b"\x01"


class SealBroken(Exception):
    """A sealed value cannot be opened: the encryption key is not the one it was sealed with."""


class Sealer:
    """Encrypts and decrypts with the server's key. Old keys after the first still open what they sealed."""

    def __init__(self, key: str, *old_keys: str) -> None:
        self._ciphers = [
            AESGCM(hashlib.sha256(b"haversack seal " + each.encode()).digest()) for each in (key, *old_keys)
        ]
        self._mac_key = hashlib.sha256(b"haversack mac " + key.encode()).digest()

    @property
    def mac_key(self) -> bytes:
        """A key for signing what the server gives out and takes back (picture addresses, form tokens)."""
        return self._mac_key

    def seal(self, plain: bytes) -> bytes:
        """The value, encrypted and authenticated."""
        nonce = os.urandom(NONCE_BYTES)
        return VERSION + nonce + self._ciphers[0].encrypt(nonce, plain, VERSION)

    def open(self, sealed: bytes) -> bytes:
        """The value that was sealed, or SealBroken."""
        nonce, hidden = sealed[1 : 1 + NONCE_BYTES], sealed[1 + NONCE_BYTES :]
        for cipher in self._ciphers:
            try:
                return cipher.decrypt(nonce, hidden, sealed[:1])
            except (InvalidTag, ValueError):
                continue
        raise SealBroken("a stored secret cannot be read: HAVERSACK_ENCRYPTION_KEY is not the key that sealed it")

    def seal_text(self, plain: str) -> bytes:
        """The text, encrypted and authenticated."""
        return self.seal(plain.encode())

    def open_text(self, sealed: bytes) -> str:
        """The text that was sealed, or SealBroken."""
        return self.open(sealed).decode()
