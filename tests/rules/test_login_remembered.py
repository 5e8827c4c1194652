"""What is remembered of tokens ends when it should."""

from datetime import UTC, datetime, timedelta

from haversack.login.remembered import Remembered

NOW = datetime(2026, 3, 1, tzinfo=UTC)
LATER = NOW + timedelta(hours=1)


def put(remembered: Remembered[str, int], key: str, *subjects: str, began: int | None = None) -> None:
    moment = remembered.begin() if began is None else began
    remembered.put(key, 1, until=LATER, began=moment, subjects=subjects)


def test_values_expire() -> None:
    remembered: Remembered[str, int] = Remembered(10)
    put(remembered, "token", "juno")
    assert remembered.get("token", now=LATER - timedelta(seconds=1)) == 1
    assert remembered.get("token", now=LATER) is None
    assert remembered.get("token", now=NOW) is None


def test_the_one_used_longest_ago_goes() -> None:
    remembered: Remembered[str, int] = Remembered(2)
    for key in ("a", "b"):
        put(remembered, key)
    assert remembered.get("a", now=NOW) == 1
    put(remembered, "c")
    assert [remembered.get(key, now=NOW) for key in ("a", "b", "c")] == [1, None, 1]


def test_forgetting_a_subject_spares_others() -> None:
    remembered: Remembered[str, int] = Remembered(10)
    put(remembered, "one", "project", "juno")
    put(remembered, "two", "project", "ada")
    remembered.forget("juno")
    assert [remembered.get(key, now=NOW) for key in ("one", "two")] == [None, 1]
    put(remembered, "one", "project", "juno")
    assert remembered.get("one", now=NOW) == 1
    remembered.forget("project")
    assert [remembered.get(key, now=NOW) for key in ("one", "two")] == [None, None]


def test_what_began_before_a_change_is_not_remembered_after_it() -> None:
    remembered: Remembered[str, int] = Remembered(10)
    began = remembered.begin()
    remembered.forget("juno")
    put(remembered, "one", "juno", began=began)
    put(remembered, "two", "ada", began=began)
    assert [remembered.get(key, now=NOW) for key in ("one", "two")] == [None, 1]


def test_everything_can_be_forgotten() -> None:
    remembered: Remembered[str, int] = Remembered(10)
    put(remembered, "one", "juno")
    began = remembered.begin()
    remembered.forget_all()
    put(remembered, "two", "ada", began=began)
    assert [remembered.get(key, now=NOW) for key in ("one", "two")] == [None, None]


def test_a_long_list_of_forgotten_subjects_errs_on_the_safe_side() -> None:
    remembered: Remembered[str, int] = Remembered(3)
    put(remembered, "old", "nobody")
    began = remembered.begin()
    remembered.forget("juno")
    for index in range(3):  # pushes juno off the list
        remembered.forget(f"other {index}")
    put(remembered, "one", "juno", began=began)
    assert [remembered.get(key, now=NOW) for key in ("old", "one")] == [None, None]
    put(remembered, "two", "juno")
    assert remembered.get("two", now=NOW) == 1
