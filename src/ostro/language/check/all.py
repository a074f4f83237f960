"""All checks of a document, one after the other."""

from collections.abc import Sequence

from ostro.language.check.calls import Callees, check_actions, check_calls
from ostro.language.check.given import Takes
from ostro.language.check.routes import check_routes
from ostro.language.check.terms import check_terms
from ostro.language.check.variables import check_variables
from ostro.language.folding import CLAUSES
from ostro.language.look import Look
from ostro.language.model.definitions import Definition, Document
from ostro.language.model.policies import DIRECT
from ostro.language.problems import Problems


def check(document: Document, looks: dict[str, Look], problems: Problems, takes: Takes) -> None:
    """Notes everything that does not fit together. `looks` is what the expressions read, by their text; `takes` what
    known actions take.
    """
    known = Callees(document, takes)
    for definition in document.definitions.values():
        _check_defaults(definition, problems)
        sources, reached = _check_order(definition, problems)
        check_variables(definition, sources, reached, looks, problems)
        check_calls(definition, known, problems)
    check_actions(known, problems)


def _check_order(definition: Definition, problems: Problems) -> tuple[dict[str, Sequence[str]], set[str]]:
    """Which tasks hand their variables on to each task, and which tasks can be reached at all."""
    if definition.type == DIRECT:
        routes = check_routes(definition, problems)
        return dict(routes.inward), routes.reached()
    check_terms(definition, problems)
    required = {
        name: [one.term.task for one in task.requires if one.term.task is not None]
        for name, task in definition.tasks.items()
    }
    known = {name: [one for one in found if one in required] for name, found in required.items()}
    return dict(known), set(known)


def _check_defaults(definition: Definition, problems: Problems) -> None:
    defaults = definition.task_defaults
    if defaults is None:
        return
    names = ["requires"] if definition.type == DIRECT else list(CLAUSES)
    for name in names:
        key = name.replace("_", "-")
        if getattr(defaults, name):
            problems.add(
                "needless-key",
                defaults.places.get(key, definition.place),
                f"`{key}` in `task-defaults` does nothing in a `{definition.type}` workflow.",
                hint="Take it away.",
            )
