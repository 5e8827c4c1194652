"""The platforms that clients name."""

from typing import Literal

Platform = Literal[
    "playstation_network",
    "xbox_live",
    "xsolla",
    "pc_standalone",
    "nintendo_shop",
    "google_play",
    "app_store_ios",
    "android_standalone",
    "ios_standalone",
    "android_other",
    "ios_other",
    "pc_other",
]
