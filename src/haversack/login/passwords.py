"""Passwords: argon2id in threads of its own, so that a wave of sign-ins neither stops the loop nor fills the memory."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

# 19 MiB and three passes: about 40 ms on one core, above the least that OWASP recommends (19 MiB, two passes). Each
# thread needs that memory for itself while it works.
HASHING_THREADS = 2
_hasher = PasswordHasher(time_cost=3, memory_cost=19_456, parallelism=1)
_threads = ThreadPoolExecutor(HASHING_THREADS, thread_name_prefix="passwords")


@cache
def _dummy_hash() -> str:
    """Verified where there is no account, so that its absence takes as long as a wrong password. Made by the first
    sign-in, whichever it is: a process that never sees one need not spend the time."""
    return _hasher.hash("no password has this hash")


async def hash_password(password: str) -> str:
    """The argon2id hash of a password, with its costs and salt."""
    return await asyncio.get_running_loop().run_in_executor(_threads, _hasher.hash, password)


async def is_password(password: str, password_hash: str | None) -> bool:
    """Whether the password has the hash. Without a hash: no, after the same time."""
    return await asyncio.get_running_loop().run_in_executor(_threads, _is_password, password, password_hash)


def is_outdated(password_hash: str) -> bool:
    """Whether the hash was made with other costs than today's."""
    return _hasher.check_needs_rehash(password_hash)


def _is_password(password: str, password_hash: str | None) -> bool:
    dummy_hash = _dummy_hash()
    try:
        is_right = _hasher.verify(password_hash or dummy_hash, password)
    except (VerificationError, InvalidHashError):
        return False
    return is_right and password_hash is not None
