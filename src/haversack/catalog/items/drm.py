"""The platforms that game keys open, with the ids under which clients know them."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Drm:
    """A platform. `sku` is how a key names it."""

    drm_id: int
    sku: str
    name: str


# The order is that of the ids on the wire: never reordered, only added to.
_NAMES = {
    "steam": "Steam",
    "playstation": "Playstation",
    "xbox": "Xbox",
    "uplay": "Uplay",
    "origin": "Origin",
    "drmfree": "DRM Free",
    "gog": "GOG",
    "epicgames": "Epic Games Store",
    "nintendo_eshop": "Nintendo eShop",
    "discord_game_store": "Discord Game Store",
    "oculus": "Oculus",
    "rockstar": "Rockstar",
    "viveport": "Viveport",
    "stadia": "Stadia",
}
DRMS: dict[str, Drm] = {sku: Drm(drm_id, sku, name) for drm_id, (sku, name) in enumerate(_NAMES.items(), start=1)}
