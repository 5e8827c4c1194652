"""Plays a season: players who know each other go through its days, each with a randomness of their own."""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from haversack.chains.records import ByDay, ByOrder, ByPoints, Chain, DailyType, Progress, Standing, Step
from haversack.chains.rules import claimable_steps, standing_in
from haversack.errors import Refusal
from haversack.rehearsal.buying import Bought, Till, listed, receive
from haversack.rehearsal.records import DAY, Balance, Path, Player, Tally
from haversack.rehearsal.season import Season, Stop
from haversack.rehearsal.temperaments import (
    IN_CLAN,
    PARTY_SIZE,
    draw_attributes,
    draw_temperament,
    happens,
    random_of,
)
from haversack.text import reading

# Who comes so often to a chain without taking anything is stuck in it.
STUCK_VISITS = 10


def make_player(season: Season, seed: int, number: int) -> Player:
    """The player of a number, always the same for a seed and a project."""
    rng = random_of(seed, number)
    temperament = draw_temperament(rng)
    is_in_clan = happens(rng, IN_CLAN)
    return Player(
        number=number,
        temperament=temperament,
        rng=rng,
        attributes=draw_attributes(rng, season.attribute_values),
        clan=f"party {number // PARTY_SIZE}" if is_in_clan else None,
        first_day=rng.randrange(temperament.every_days),
    )


def play(season: Season, seed: int, numbers: Iterable[int]) -> Tally:
    """What comes of the players of some numbers; those of a party are to be asked for together."""
    tally = Tally()
    parties: dict[int, list[int]] = {}
    for number in numbers:
        parties.setdefault(number // PARTY_SIZE, []).append(number)
    for of_party in parties.values():
        tally.add(Party(season, [make_player(season, seed, number) for number in sorted(of_party)]).play())
    return tally


def trace(season: Season, seed: int, number: int, *, players: int) -> list[str]:
    """What one player does, line by line; the players of the party play along."""
    first = number // PARTY_SIZE * PARTY_SIZE
    numbers = range(first, min(first + PARTY_SIZE, players))
    party = Party(season, [make_player(season, seed, each) for each in numbers], traced=number)
    party.play()
    return party.lines


@dataclass(slots=True, eq=False)
class Party:
    """Players who know each other, on their way through a season: what they bring to a clan they bring together."""

    season: Season
    players: Sequence[Player]
    traced: int | None = None
    tally: Tally = field(default_factory=Tally)
    clan_points: dict[int, Balance] = field(default_factory=dict)
    lines: list[str] = field(default_factory=list)

    def play(self) -> Tally:
        """Let them play all days."""
        till = Till(self.season, self.tally)
        for player in self.players:
            self.tally.players[player.temperament.name] += 1
            self._say(player, None, _introduction(player))
        for day, stops in enumerate(self.season.by_day):
            coming: list[tuple[int, int]] = []
            for place, player in enumerate(self.players):
                coming += [(stop, place) for stop in _visits(player, day, stops)]
            for stop, place in sorted(coming):
                if not self.players[place].has_left:
                    self._visit(self.players[place], stops[stop], till)
        for player in self.players:
            self._sum_up(player)
        return self.tally

    def _visit(self, player: Player, stop: Stop, till: Till) -> None:
        self.tally.visits[player.temperament.name] += 1
        has_found = False
        for bought in till.visit(player, stop):
            self._bring_points(player, stop, bought)
            has_found = True
        for chain in self.season.chains_seen(player.attributes, stop):
            if self._walk(player, chain, stop, till):
                has_found = True
            if player.has_left:
                return
        player.idle = 0 if has_found else player.idle + 1
        patience = player.temperament.patience
        if patience is not None and player.idle >= patience:
            self._leave(player, stop, "has found nothing for long")

    # -- Chains ---------------------------------------------------------------------------------------------------

    def _walk(self, player: Player, chain: Chain, stop: Stop, till: Till) -> bool:
        """Take what is open of a chain; whether there was anything. A step of an offer chain opens the next one."""
        path = player.paths.get(chain.chain_id)
        if path is None:
            path = player.paths[chain.chain_id] = Path()
        has_taken = False
        standing = self._standing(player, chain, stop)
        for _ in range(len(chain.steps) if isinstance(chain.opening, ByOrder) else 1):
            taken = [
                step
                for step in claimable_steps(chain, standing, stop.now)
                if self._take(player, chain, step, path, standing, stop, till)
            ]
            if not taken:
                break
            has_taken = True
            standing = self._standing(player, chain, stop)
            if player.has_left:
                return True
        waiting = None
        if not _opens_by_itself(chain):
            waiting = next((step for step in chain.steps if step.step_id not in standing.progress.claimed), None)
        path.idle = 0 if has_taken or waiting is None else path.idle + 1
        path.waits_for = 0 if waiting is None else waiting.number
        return has_taken

    def _standing(self, player: Player, chain: Chain, stop: Stop) -> Standing:
        points = 0
        if isinstance(chain.opening, ByPoints):
            points = self._points(player, chain.opening, stop)
            self.tally.note_points(chain.chain_id, points)
        return standing_in(
            chain,
            self.season.window_of(chain, stop),
            player.progress.get(chain.chain_id),
            stop.now,
            points=points,
            clan=player.clan,
        )

    def _take(
        self, player: Player, chain: Chain, step: Step, path: Path, standing: Standing, stop: Stop, till: Till
    ) -> bool:
        """Take a step that is open, if the player wants to."""
        path.reached.add(step.step_id)
        temperament = player.temperament
        if player.has_left or not happens(player.rng, temperament.claims if step.is_free else temperament.pays):
            return False
        where = f"step {step.number} of chain {chain.chain_id} ({reading(chain.name, 'en')})"
        if step.is_free:
            content = self.season.content_of(chain, step, player.attributes)
            receive(player, content, self.tally.rewarded)
            self._say(player, stop, f"takes {where}: {listed(content)}")
        elif not self._pay(player, chain, step, stop, till, where):
            return False
        known = player.progress.get(chain.chain_id)
        start = standing.progress.window_start
        claimed = known.claimed if known is not None and known.window_start == start else {}
        player.progress[chain.chain_id] = Progress(start, {**claimed, step.step_id: stop.now})
        path.claimed.add(step.step_id)
        path.furthest = max(path.furthest, step.number)
        self.tally.claims[chain.chain_id, step.step_id] += 1
        player.last_step = (chain.chain_id, step.number)
        if happens(player.rng, temperament.leaves):
            self._leave(player, stop, f"has had enough after {where}")
        return True

    def _pay(self, player: Player, chain: Chain, step: Step, stop: Stop, till: Till, where: str) -> bool:
        ordered = till.order_step(player, stop, step)
        if isinstance(ordered, Refusal):
            self.tally.refused_steps[chain.chain_id, step.step_id, ordered.message] += 1
            self._say(player, stop, f"cannot buy {where}: {ordered.message}")
            return False
        self._say(player, stop, f"pays for {where}")
        self._bring_points(player, stop, ordered)
        return True

    # -- Value points ---------------------------------------------------------------------------------------------

    def _points(self, player: Player, opening: ByPoints, stop: Stop) -> int:
        """The points that count for a chain: the player's own, or those of the clan."""
        if opening.is_clan and player.clan is None:
            return 0
        balances = self.clan_points if opening.is_clan else player.points
        balance = balances.get(opening.value_point_id)
        if balance is None or balance.window_start < self.season.points_since(opening.value_point_id, stop):
            return 0
        return balance.amount

    def _bring_points(self, player: Player, stop: Stop, bought: Bought) -> None:
        self._say(player, stop, bought.text)
        for value_point_id, amount in bought.points.items():
            point = self.season.shop.find_by_id(value_point_id)
            if point is None or (point.details.is_clan and player.clan is None):
                continue
            balances = self.clan_points if point.details.is_clan else player.points
            since = self.season.points_since(value_point_id, stop)
            known = balances.get(value_point_id)
            had = known.amount if known is not None and known.window_start >= since else 0
            balances[value_point_id] = Balance(since, had + amount)
            whose = "the clan has" if point.details.is_clan else "has"
            self._say(player, stop, f"{whose} {had + amount} {point.sku}")

    # -- What is left of them -------------------------------------------------------------------------------------

    def _leave(self, player: Player, stop: Stop, why: str) -> None:
        player.has_left = True
        self.tally.left[player.temperament.name] += 1
        if player.last_step is not None:
            self.tally.left_at[player.last_step] += 1
        self._say(player, stop, f"leaves for good: {why}")

    def _sum_up(self, player: Player) -> None:
        for chain_id, path in player.paths.items():
            self.tally.seen[chain_id] += 1
            self.tally.reached.update((chain_id, step_id) for step_id in path.reached)
            self.tally.claimers.update((chain_id, step_id) for step_id in path.claimed)
            self.tally.furthest[chain_id, path.furthest] += 1
            if path.idle >= STUCK_VISITS:
                place = (chain_id, path.waits_for)
                self.tally.stuck[place] += 1
                self.tally.note_examples(place, (player.number,))
        self.tally.bound_players.update(player.bound)

    def _say(self, player: Player, stop: Stop | None, text: str) -> None:
        if player.number == self.traced:
            when = "" if stop is None else f"day {stop.day + 1:>3}  {stop.now.isoformat(timespec='minutes')}  "
            self.lines.append(f"{when}{text}")


def _opens_by_itself(chain: Chain) -> bool:
    """Whether nobody can be stuck in a chain: the days of the calendar come and go, whatever a player does."""
    return isinstance(chain.opening, ByDay) and chain.opening.type is DailyType.CALENDAR_HARD


def _introduction(player: Player) -> str:
    about = ", ".join(f"{name} = {value}" for name, value in player.attributes.items())
    clan = "in no clan" if player.clan is None else f"in the clan of {player.clan}"
    return f"player {player.number}: {player.temperament.name}, {clan}" + (f", {about}" if about else "")


def _visits(player: Player, day: int, stops: Sequence[Stop]) -> list[int]:
    """At which of a day's stops a player comes: whoever comes at an hour finds what the last stop has made."""
    temperament = player.temperament
    if player.has_left or (day - player.first_day) % temperament.every_days:
        return []
    if not happens(player.rng, temperament.plays):
        return []
    count = 1 if temperament.visits == 1 else 1 + player.rng.randrange(temperament.visits)
    first = stops[0].now
    hours = [first + player.rng.random() * DAY for _ in range(count)]
    return [bisect_right(stops, hour, key=lambda stop: stop.now) - 1 for hour in hours]
