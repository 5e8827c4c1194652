"""What must hold before a server takes players: said in words, all at once."""

import asyncio
import os
import platform
import shutil
import ssl
from dataclasses import dataclass
from enum import StrEnum
from importlib.util import find_spec
from pathlib import Path

import asyncpg

from haversack.catalog.keys.queries.stock import list_key_stocks
from haversack.catalog.keys.rules import stock_level
from haversack.catalog.keys.stock_watch import stock_sentence
from haversack.database.embedded import running_url
from haversack.database.engine import Database, DatabaseAway, fault_in_words
from haversack.database.migrate import SchemaMismatch, check_schema
from haversack.projects.queries import count_test_keys, has_demo_project
from haversack.settings import Settings

ENCRYPTION_KEY_LENGTH_MIN = 32
POSTGRES_MAJOR_MIN = 15
DISK_BYTES_MIN = 512 * 2**20
LOW_STOCKS_SHOWN_MAX = 20


async def faults_of_production(settings: Settings) -> list[str]:
    """Why a production server must not start like this; empty where nothing is wrong."""
    faults = []
    if settings.database_url is None:
        faults.append("HAVERSACK_DATABASE_URL is not set: production needs a PostgreSQL of its own.")
    faults.extend(_faults_of_secrets(settings))
    if settings.database_url is not None:
        faults.extend(await _faults_of_database(settings.database_url.get_secret_value()))
    return faults


def _faults_of_secrets(settings: Settings) -> list[str]:
    faults = []
    if settings.encryption_key is None:
        faults.append(
            "HAVERSACK_ENCRYPTION_KEY is not set: it encrypts stored secrets. Make one with `openssl rand -base64 48`."
        )
    elif len(settings.encryption_key.get_secret_value()) < ENCRYPTION_KEY_LENGTH_MIN:
        faults.append(f"HAVERSACK_ENCRYPTION_KEY is shorter than {ENCRYPTION_KEY_LENGTH_MIN} characters.")
    if settings.outbound_allow_loopback:
        faults.append(
            "HAVERSACK_OUTBOUND_ALLOW_LOOPBACK is on: webhook addresses could reach this machine."
            " It is for development."
        )
    return faults


async def _faults_of_database(url: str, *, is_production: bool = True) -> list[str]:
    try:
        await check_schema(url)
        if not is_production:
            return []
        async with Database(url, connections=2) as database:
            if await has_demo_project(database.session()):
                return ["The database holds the demo project, whose keys are known: use a database of its own."]
    except SchemaMismatch as error:
        return [str(error)]
    except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError, DatabaseAway) as error:
        return [fault_in_words(error)]
    return []


class Level(StrEnum):
    """How much a finding matters."""

    OK = "ok"
    WARNING = "warning"
    FAULT = "fault"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that `haversack doctor` looked at."""

    level: Level
    sentence: str


async def examine(settings: Settings) -> list[Finding]:
    """Everything that `haversack doctor` says."""
    findings = [Finding(Level.OK, f"Python {platform.python_version()} on {platform.machine()}.")]
    findings.extend(_find_extensions())
    findings.append(_examine_certificates())
    running = running_url(settings.data_folder)
    url = settings.database_url.get_secret_value() if settings.database_url else running
    if settings.database_url is None and running is not None:
        findings.append(Finding(Level.OK, f"`haversack dev` runs on the data in {settings.data_folder}."))
    elif settings.database_url is None:
        findings.append(
            Finding(
                Level.WARNING,
                "HAVERSACK_DATABASE_URL is not set and no `haversack dev` runs here:"
                " development starts its own database.",
            )
        )
    if url is not None:
        findings.extend(await _examine_database(url, is_production=settings.database_url is not None))
    if settings.database_url is not None:
        findings.extend(Finding(Level.FAULT, fault) for fault in _faults_of_secrets(settings))
    findings.append(_examine_data_folder(settings))
    findings.append(_examine_public_url(settings))
    findings.append(await _examine_port(settings, is_running=running is not None))
    return findings


def _find_extensions() -> list[Finding]:
    missing = [name for name in ("uvloop", "httptools") if find_spec(name) is None]
    if missing:
        return [Finding(Level.FAULT, f"{' and '.join(missing)} not installed: install requirements/run.txt anew.")]
    return [Finding(Level.OK, "uvloop and httptools are installed.")]


def _examine_certificates() -> Finding:
    """Whether this machine has certificates that it trusts, as slim container images have not."""
    places = ssl.get_default_verify_paths()
    # A folder's certificates are read when they are needed; a file's are counted.
    in_folder = places.capath is not None and any(Path(places.capath).iterdir())
    if in_folder or ssl.create_default_context().cert_store_stats()["x509_ca"]:
        return Finding(Level.OK, "There are trusted certificates, for webhooks and pictures by https.")
    return Finding(
        Level.WARNING,
        f"There are no trusted certificates in {places.openssl_cafile} or {places.openssl_capath}:"
        " nothing can be reached by https. Install your system's ca-certificates.",
    )


async def _examine_database(url: str, *, is_production: bool) -> list[Finding]:
    try:
        connection = await asyncpg.connect(Database(url).url, timeout=5)
    except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        return [Finding(Level.FAULT, fault_in_words(error))]
    try:
        version = connection.get_server_version()
        commit = await connection.fetchval("SHOW synchronous_commit")
        waiting = await connection.fetchval("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'")
    finally:
        await connection.close()
    findings = [Finding(Level.OK, f"PostgreSQL {version.major}.{version.minor} answers.")]
    if version.major < POSTGRES_MAJOR_MIN:
        findings.append(Finding(Level.FAULT, f"PostgreSQL {POSTGRES_MAJOR_MIN} or newer is needed."))
    if commit == "off":
        findings.append(Finding(Level.FAULT, "synchronous_commit is off: a crash could lose paid orders. Turn it on."))
    if waiting:
        findings.append(Finding(Level.WARNING, f"{waiting} statement(s) wait for a lock right now."))
    faults = await _faults_of_database(url, is_production=is_production)
    if is_production:
        findings.extend(Finding(Level.FAULT, fault) for fault in faults)
    if is_production and not faults:
        findings.append(Finding(Level.OK, "The schema is the one that this version needs."))
        findings.extend(await _find_test_keys(url))
    if not faults:
        findings.extend(await _find_low_stocks(url))
    return findings


async def _find_low_stocks(url: str) -> list[Finding]:
    async with Database(url, connections=2) as database:
        stocks = await list_key_stocks(database.session())
    low = [stock for stock in stocks if stock_level(stock) is not None]
    findings = [Finding(Level.WARNING, stock_sentence(stock)) for stock in low[:LOW_STOCKS_SHOWN_MAX]]
    if len(low) > LOW_STOCKS_SHOWN_MAX:
        more = len(low) - LOW_STOCKS_SHOWN_MAX
        findings.append(Finding(Level.WARNING, f"{more} more game key(s) have few codes left or none."))
    return findings


async def _find_test_keys(url: str) -> list[Finding]:
    async with Database(url, connections=2) as database:
        found = await count_test_keys(database.session())
    if not found:
        return []
    return [
        Finding(
            Level.WARNING,
            f"{found} API key(s) were made for development: `haversack serve` refuses them."
            " `haversack project rotate` makes live ones.",
        )
    ]


def _examine_data_folder(settings: Settings) -> Finding:
    folder = settings.data_folder
    parent = folder if folder.exists() else folder.absolute().parent
    if not os.access(parent, os.W_OK):
        return Finding(Level.FAULT, f"{parent} cannot be written: the picture cache and keys are kept there.")
    free = shutil.disk_usage(parent).free
    if free < DISK_BYTES_MIN:
        return Finding(Level.WARNING, f"Only {free // 2**20} MB are free where {folder} is.")
    return Finding(Level.OK, f"{folder} can be written, {free // 2**30} GB are free.")


def _examine_public_url(settings: Settings) -> Finding:
    if settings.database_url is not None and not settings.public_url.startswith("https://"):
        return Finding(
            Level.WARNING,
            f"HAVERSACK_PUBLIC_URL is {settings.public_url}: players' browsers should reach a shop by https.",
        )
    return Finding(Level.OK, f"Players and games reach the server at {settings.public_url}.")


async def _examine_port(settings: Settings, *, is_running: bool) -> Finding:
    try:
        _, writer = await asyncio.wait_for(asyncio.open_connection(settings.host, settings.port), 2)
    except (OSError, TimeoutError):
        if is_running:
            return Finding(Level.WARNING, f"Nothing answers at {settings.host}:{settings.port}.")
        return Finding(Level.OK, f"{settings.host}:{settings.port} is free.")
    writer.close()
    return Finding(
        Level.OK if is_running else Level.WARNING,
        f"A server listens at {settings.host}:{settings.port} already.",
    )
