"""Seeds the demo project of `haversack dev`: made once for a data folder, found again at later starts."""

import secrets
from dataclasses import asdict, dataclass, field, replace
from io import BytesIO
from pathlib import Path
from uuid import UUID, uuid4

import orjson

from haversack.backpack.actions import fill_backpack, make_game
from haversack.backpack.records import ItemType, NewItem
from haversack.catalog.items.queries import list_items, list_keys_of_games
from haversack.catalog.keys.code_files import CodeFile
from haversack.catalog.keys.queries.codes import add_codes
from haversack.catalog.records import ItemKind
from haversack.catalog.transfer.actions import write_catalog
from haversack.catalog.versions import find_version, raise_version
from haversack.context import Context
from haversack.database.engine import Session
from haversack.demo import queries
from haversack.demo.content import GAMES, ITEMS, DemoItem
from haversack.demo.live_ops.seed import add_live_ops
from haversack.demo.shop import demo_shop
from haversack.login.actions import ensure_user, issue_player_token
from haversack.private_files import write_private_file
from haversack.projects.actions import create_project
from haversack.projects.keys import KeyKind
from haversack.projects.records import Project
from haversack.webhooks.actions import save_endpoint
from haversack.webhooks.queries.endpoints import find_endpoint
from haversack.webhooks.records import Purpose

DEMO_FILE = "demo.json"
# Codes that each key of the demo's games has, and what they are made of.
CODES_OF_A_KEY = 25
CODE_LETTERS = "23456789ABCDEFGHJKMNPQRSTVWXYZ"
PLAYER_NAME = "juno"
PLAYER_PASSWORD = "lamplight"  # noqa: S105  (published: it opens the demo alone, which production refuses)


@dataclass(frozen=True, slots=True)
class Demo:
    """What opens the demo project. It is kept in the data folder, because the database has hashes only."""

    project_id: int
    merchant_id: int
    login_project_id: str
    client_id: int
    player_id: str
    api_key: str = field(repr=False)
    merchant_key: str = field(repr=False)
    host_id: str = field(repr=False)
    client_secret: str = field(repr=False)
    webhook_secret: str = field(repr=False)
    public_url: str = ""


def read_demo(folder: Path) -> Demo | None:
    """The demo of a data folder, or None."""
    path = folder / DEMO_FILE
    return Demo(**orjson.loads(path.read_bytes())) if path.exists() else None


async def seed_demo(context: Context) -> Demo:
    """The demo project, made if this database does not have it."""
    folder = context.settings.data_folder
    demo = read_demo(folder)
    project = await context.directory.find_project(demo.project_id) if demo is not None else None
    # A database that was made anew gives the same numbers again: the login project's id tells it apart.
    if demo is not None and project is not None and str(project.login_project_id) == demo.login_project_id:
        await _fill_shop(context, project)
        await _add_live_ops(context, project, UUID(demo.player_id))
        if demo.public_url == context.settings.public_url:
            return demo
        demo = await _follow_address(context, demo, project)
    else:
        demo = await _make_demo(context)
    # Only after everything is in the database: a crash before this line makes another demo, not half of one.
    write_private_file(folder / DEMO_FILE, orjson.dumps(asdict(demo)))
    return demo


async def _follow_address(context: Context, demo: Demo, project: Project) -> Demo:
    """The server has another address than at its last start, and the demo's game and pictures with it."""
    db = context.database.session()
    endpoint = await find_endpoint(db, context.sealer, demo.project_id, Purpose.STORE)
    # The developer's own game, where one was set instead, stays set.
    if endpoint is not None and endpoint.url == _game_address(demo.public_url):
        await _connect_game(context, db, project, demo.webhook_secret)
    async with db.begin():
        await queries.move_pictures(
            db, demo.project_id, old=_pictures(demo.public_url), new=_pictures(context.settings.public_url)
        )
        await raise_version(db, demo.project_id)
    return replace(demo, public_url=context.settings.public_url)


def _game_address(public_url: str) -> str:
    return f"{public_url}/demo/game/webhook"


async def _connect_game(context: Context, db: Session, project: Project, secret: str) -> None:
    await save_endpoint(
        context,
        db,
        project,
        purpose=Purpose.STORE,
        url=_game_address(context.settings.public_url),
        secret=secret,
        is_enabled=True,
    )


async def _make_demo(context: Context) -> Demo:
    made = await create_project(
        context,
        name="Lanternfall & Cirrus Couriers",
        merchant_name="Demo studio",
        kind=KeyKind.PROJECT_TEST,
        is_demo=True,
    )
    project = await context.directory.find_project(made.project_id)
    assert project is not None
    player_id = uuid4()
    webhook_secret = secrets.token_urlsafe(24)
    db = context.database.session()
    await ensure_user(
        context,
        made.login_project_id,
        player_id,
        username=PLAYER_NAME,
        email="juno@example.com",
        password=PLAYER_PASSWORD,
    )
    # Before the Backpack is filled: the shop says which currencies the wallet keeps.
    await _fill_shop(context, project)
    await _add_live_ops(context, project, player_id)
    async with db.begin():
        for game in GAMES:
            await make_game(
                db,
                project,
                external_game_id=game.external_game_id,
                game_name=game.name,
                game_image_url=_picture(context, game.picture),
            )
        await fill_backpack(db, context.sealer, project, player_id, [_new_item(context, item) for item in ITEMS])
        await _connect_game(context, db, project, webhook_secret)
    return Demo(
        project_id=made.project_id,
        merchant_id=made.merchant_id,
        login_project_id=str(made.login_project_id),
        client_id=made.client_id,
        player_id=str(player_id),
        api_key=made.api_key,
        merchant_key=made.merchant_key,
        host_id=str(made.host_id),
        client_secret=made.client_secret,
        webhook_secret=webhook_secret,
        public_url=context.settings.public_url,
    )


async def _fill_shop(context: Context, project: Project) -> None:
    """Give the demo its catalog and the codes of its games, where it has none yet. What was changed in it stays."""
    db = context.database.session()
    if await find_version(db, project.project_id):
        return
    now = project.clock.now()
    shop = demo_shop(lambda name: _picture(context, name))
    faults = await write_catalog(context, project.project_id, shop, now=now)
    assert not faults, f"the demo's shop has faults: {faults}"
    games = [item.item_id for item in await list_items(db, project.project_id) if item.kind is ItemKind.GAME]
    for key in await list_keys_of_games(db, project.project_id, games):
        if key.pre_order is not None:  # sold before there are codes
            continue
        codes = "\n".join(_code() for _ in range(CODES_OF_A_KEY)).encode()
        part = CodeFile(BytesIO(codes)).read_slice(context.sealer, project.project_id, lines_max=CODES_OF_A_KEY)
        assert part is not None
        async with db.begin():
            await add_codes(db, project.project_id, key.item_id, None, part.codes, now=now)


async def _add_live_ops(context: Context, project: Project, player_id: UUID) -> None:
    await add_live_ops(context, project, player_id, lambda name: _picture(context, name))


def _code() -> str:
    return "-".join("".join(secrets.choice(CODE_LETTERS) for _ in range(5)) for _ in range(3))


def _pictures(public_url: str) -> str:
    return f"{public_url}/demo/"


def _picture(context: Context, name: str) -> str:
    return _pictures(context.settings.public_url) + name


def _new_item(context: Context, item: DemoItem) -> NewItem:
    is_key = item.kind is ItemType.GAME_KEY
    return NewItem(
        item_type=item.kind,
        item_sku=item.sku,
        item_name="" if is_key else item.item_name,
        image_url=_picture(context, item.picture),
        description=item.description,
        code=item.code or "",
        price=item.price,
        currency=item.currency,
        quantity=0 if item.kind is ItemType.VIRTUAL_ITEM else item.quantity,
        platform=item.platform,
        external_game_id=item.external_game_id,
    )


async def demo_player_token(context: Context, demo: Demo) -> str:
    """A fresh token of the demo's player."""
    return await issue_player_token(context, UUID(demo.login_project_id), UUID(demo.player_id))
