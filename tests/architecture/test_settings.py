"""Every setting is documented, with its name and its default."""

from pathlib import Path

import msgspec

from ostro.cli.worker import worker
from ostro.settings import Settings
from ostro.values import Limits, Timing

CLIENTS = {"OSTRO_SERVER", "OSTRO_TOKEN", "OSTRO_CA", "OSTRO_PROFILE", "OSTRO_DEBUG"}
PAGE = (Path(__file__).parents[2] / "docs" / "reference" / "settings.md").read_text()


def test_each_setting_stands_on_the_settings_page_with_its_default() -> None:
    for prefix, kind in (("OSTRO_", Settings), ("OSTRO_LIMIT_", Limits), ("OSTRO_TIME_", Timing)):
        for field in msgspec.structs.fields(kind):
            if field.name in {"limits", "timing"}:
                continue
            default = "none" if field.default is None else str(field.default)
            default = "" if field.default is msgspec.NODEFAULT else f" {default} |"
            assert f"| `{prefix}{field.name.upper()}` |{default}" in PAGE, field.name


def worker_settings() -> set[str]:
    return {str(one.envvar) for one in worker.params if getattr(one, "envvar", None)}


def test_each_variable_of_the_worker_stands_on_the_settings_page() -> None:
    assert {"OSTRO_WORKER_TAGS", "OSTRO_JOIN_TOKEN"} <= worker_settings()
    for name in worker_settings():
        assert f"| `{name}` |" in PAGE, name


def test_the_settings_page_names_no_setting_that_does_not_exist() -> None:
    known = {f"OSTRO_{name.upper()}" for name in Settings.__struct_fields__}
    known |= {f"OSTRO_LIMIT_{name.upper()}" for name in Limits.__struct_fields__}
    known |= {f"OSTRO_TIME_{name.upper()}" for name in Timing.__struct_fields__}
    known |= worker_settings() | CLIENTS
    named = {line.split("`")[1] for line in PAGE.splitlines() if line.startswith("| `OSTRO_")}
    assert named <= known
