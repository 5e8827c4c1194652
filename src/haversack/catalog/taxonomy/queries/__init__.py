"""Reads of attributes, groups and regions, and the locks that other parts of the catalog take on them."""

from haversack.catalog.taxonomy.queries.attributes import find_attributes, list_attributes
from haversack.catalog.taxonomy.queries.groups import find_groups, get_group, list_groups, lock_groups
from haversack.catalog.taxonomy.queries.regions import get_region, list_regions, lock_regions

__all__ = [
    "find_attributes",
    "find_groups",
    "get_group",
    "get_region",
    "list_attributes",
    "list_groups",
    "list_regions",
    "lock_groups",
    "lock_regions",
]
