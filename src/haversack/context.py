"""What every request of one process shares: settings, database, what it remembers, how it reaches others."""

import secrets
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from ipaddress import ip_network

import asyncpg

from haversack import __version__
from haversack.catalog.keys.uploading import KeyUploads
from haversack.catalog.read_model.live import LiveCatalogs
from haversack.catalog.transfer.under_way import ImportsUnderWay
from haversack.database.engine import Database
from haversack.database.notifications import Notifications
from haversack.images.cache import PictureCache
from haversack.images.proxy import ImageProxy
from haversack.login.tokens import TokenVerifier
from haversack.orders.changes import OrderChanges
from haversack.orders.socket.channels import OrderChannels
from haversack.outbound.addresses import USUAL_PORTS, AddressPolicy
from haversack.outbound.client import OutboundClient
from haversack.pages.shipped import find_shipped_picture
from haversack.personalization.partner import PartnerCatalog
from haversack.projects.directory import ProjectDirectory
from haversack.sealing import Sealer
from haversack.settings import Settings
from haversack.upsell.best_sellers import BestSellers
from haversack.webhooks.asking import AskerParts
from haversack.webhooks.delivery import Deliverer
from haversack.webhooks.outcomes import OutcomeHandler, Outcomes

# For what is read or counted aside while the caller holds a connection in its transaction: if both came from one pool,
# as many callers at once as it has connections would all wait for one more.
ASIDE_CONNECTIONS = 2
PICTURE_CACHE_BYTES_MAX = 512 * 1024 * 1024


@dataclass(slots=True, kw_only=True)
class Context:
    """Made once by each process with `open_context`, and closed with it."""

    settings: Settings
    database: Database
    aside: Database
    notifications: Notifications
    sealer: Sealer
    directory: ProjectDirectory
    tokens: TokenVerifier
    catalogs: LiveCatalogs
    uploads: KeyUploads
    imports: ImportsUnderWay
    address_policy: AddressPolicy
    outbound: OutboundClient
    images: ImageProxy
    deliverer: Deliverer
    partner_catalog: PartnerCatalog
    order_changes: OrderChanges
    order_channels: OrderChannels
    best_sellers: BestSellers

    def new_request_id(self) -> str:
        """The id under which a request stands in the log and in error answers."""
        return secrets.token_hex(16)


def address_policy_of(settings: Settings) -> AddressPolicy:
    """What webhooks and pictures may reach: public https, and what the operator has opened."""
    return AddressPolicy(
        allow_loopback=settings.outbound_allow_loopback,
        allow_private=tuple(ip_network(text) for text in settings.outbound_allow_private),
        allow_http=settings.outbound_allow_loopback or settings.outbound_allow_http,
        allowed_ports=None if settings.outbound_allow_loopback or settings.outbound_allow_private else USUAL_PORTS,
    )


@asynccontextmanager
async def open_context(
    settings: Settings,
    outcomes: Mapping[str, OutcomeHandler] | None = None,
    *,
    connection_class: "type[asyncpg.Connection[asyncpg.Record]]" = asyncpg.Connection,
) -> AsyncIterator[Context]:
    """Connect a process to its database and to the outside. The settings must name database and encryption key.

    outcomes: who is told of the results of deliveries. A process that delivers none needs none.
    connection_class: of the connections that operations work on; a simulation breaks its own.
    """
    assert settings.database_url is not None and settings.encryption_key is not None
    url = settings.database_url.get_secret_value()
    sealer = Sealer(settings.encryption_key.get_secret_value())
    policy = address_policy_of(settings)
    async with (
        Database(url, connections=settings.database_connections, connection_class=connection_class) as database,
        Database(url, connections=ASIDE_CONNECTIONS) as aside,
        OutboundClient(policy, user_agent=f"Haversack/{__version__}") as outbound,
    ):
        notifications = Notifications(database.url)
        images = ImageProxy(
            outbound,
            PictureCache(settings.data_folder / "pictures", bytes_max=PICTURE_CACHE_BYTES_MAX),
            key=sealer.mac_key,
            local=lambda url: find_shipped_picture(url, settings.public_url),
            source_fresh=timedelta(days=1),
        )
        deliverer = Deliverer(
            settings=settings,
            database=database,
            sealer=sealer,
            outbound=outbound,
            outcomes=Outcomes(outcomes),
        )
        changes = OrderChanges(database, notifications)
        context = Context(
            settings=settings,
            database=database,
            aside=aside,
            notifications=notifications,
            sealer=sealer,
            directory=ProjectDirectory(database, notifications, is_development=settings.is_development),
            tokens=TokenVerifier(database, notifications, sealer, outbound),
            catalogs=LiveCatalogs(aside, notifications),
            uploads=KeyUploads(database, sealer, notifications),
            imports=ImportsUnderWay(),
            address_policy=policy,
            outbound=outbound,
            images=images,
            deliverer=deliverer,
            partner_catalog=PartnerCatalog(AskerParts(settings, database, sealer, outbound)),
            order_changes=changes,
            order_channels=OrderChannels(database, changes),
            best_sellers=BestSellers(aside, notifications),
        )
        await notifications.start()
        try:
            yield context
        finally:
            await deliverer.close()
            await context.partner_catalog.close()
            await context.order_changes.close()
            await context.order_channels.close()
            await context.imports.stop()
            await context.uploads.close()
            await context.catalogs.close()
            await images.close()
            await notifications.stop()
