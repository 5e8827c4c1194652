"""The rehearsal of a season: seeded players go through a project's chains, offers, promotions and limits."""
