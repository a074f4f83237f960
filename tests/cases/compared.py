"""Two outcomes side by side: numbers by value, `true` is not 1, keys have no order, `<<ANY>>` is anything."""

from typing import Any

ANY = "<<ANY>>"


def differences(case: dict[str, Any], outcome: dict[str, Any]) -> list[str]:
    """What differs from what is expected, one sentence each; empty if the case holds."""
    expected, ignored = case["expect"], set(case.get("ignore", ()))
    if expected.get("invalid") or expected.get("valid"):
        wanted = {key: expected[key] for key in ("invalid", "valid", "kind") if key in expected}
        got = {key: outcome.get(key) for key in wanted}
        return [] if got == wanted else [f"expected {wanted}, got {outcome}"]
    if "state" not in outcome:
        return [f"expected {expected['state']}, got {outcome}"]
    found = []
    if outcome["state"] != expected["state"]:
        found.append(f"it is {outcome['state']}, expected {expected['state']}: {outcome['info']}")
    if "output" not in ignored and not same(expected.get("output"), outcome["output"]):
        found.append(f"output {outcome['output']}, expected {expected.get('output')}")
    phrase = expected.get("state_info_contains")
    if phrase and phrase not in outcome["info"]:
        found.append(f"{phrase!r} is not in {outcome['info']!r}")
    return found + _tasks(expected["tasks"], outcome["tasks"], ignored)


def _tasks(expected: list[dict[str, Any]], got: list[dict[str, Any]], ignored: set[str]) -> list[str]:
    left = [one for one in got if one["name"] not in ignored]
    missing = []
    for wanted in (one for one in expected if one["name"] not in ignored):
        match = next((one for one in left if _is(wanted, one, ignored)), None)
        if match is None:
            missing.append(wanted)
        else:
            left.remove(match)
    return [f"task {one} is missing" for one in missing] + [f"task {one} was not expected" for one in left]


def _is(wanted: dict[str, Any], one: dict[str, Any], ignored: set[str]) -> bool:
    fields = [key for key in wanted if f"{wanted['name']}.{key}" not in ignored]
    return all(same(wanted[key], one.get(key)) for key in fields)


def same(left: Any, right: Any) -> bool:
    """Whether two values are equal, `left` being the expected one."""
    if left == ANY:
        return True
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    if isinstance(left, int | float) and isinstance(right, int | float):
        return left == right
    if type(left) is not type(right):
        return False
    if isinstance(left, dict):
        return left.keys() == right.keys() and all(same(left[key], right[key]) for key in left)
    if isinstance(left, list):
        return len(left) == len(right) and all(map(same, left, right))
    if isinstance(left, str) and ANY in left:
        return True
    return bool(left == right)
