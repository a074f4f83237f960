"""What a picture shows: tasks, commands and tags, and what leads from one to the other."""

from typing import Literal

import msgspec

from ostro.language.folding import CLAUSES
from ostro.language.model.definitions import Definition
from ostro.language.model.tasks import TaskDefinition
from ostro.language.parts import COMMANDS, Requirement, Transition

Look = Literal["plain", "error", "guarded"]
_LONGEST = 40


class Spot(msgspec.Struct, frozen=True):
    """One thing in the picture. `kind`: task, join, command or tag; `note` is its second line, perhaps empty."""

    id: str
    kind: str
    name: str
    note: str = ""


class Arrow(msgspec.Struct, frozen=True):
    """What leads from one spot to another."""

    source: str
    target: str
    note: str = ""
    look: Look = "plain"


class Picture(msgspec.Struct, frozen=True):
    """A workflow to be drawn, from top to bottom."""

    name: str
    spots: tuple[Spot, ...]
    arrows: tuple[Arrow, ...]


def picture(definition: Definition) -> Picture:
    """What to draw of a workflow."""
    draft = _Draft(definition)
    for task in definition.tasks.values():
        draft.task(task)
    return Picture(definition.name, tuple(draft.spots.values()), tuple(draft.arrows))


class _Draft:
    def __init__(self, definition: Definition) -> None:
        self.spots: dict[tuple[str, str], Spot] = {}
        self.arrows: list[Arrow] = []
        self._tasks = definition.tasks
        for name, task in definition.tasks.items():
            self._spot("join" if task.join else "task", name, _note(task))

    def task(self, task: TaskDefinition) -> None:
        """The arrows that a task's transitions and requirements make."""
        here = self._task(task.name)
        for clause in CLAUSES:
            said = getattr(task, clause)
            for one in said.next if said else ():
                self._transition(here, clause, one)
        for requirement in task.requires:
            self._requirement(here, requirement)

    def _transition(self, here: str, clause: str, one: Transition) -> None:
        if one.target in self._tasks:
            there = self._task(one.target)
        elif one.target in COMMANDS:
            there = self._spot("command", one.target)
        else:
            return
        words = [clause.removeprefix("on_")] if clause != "on_success" else []
        words += [f"if {_short(one.guard.text)}"] if one.guard else []
        look: Look = "error" if clause == "on_error" else "guarded" if one.guard else "plain"
        self.arrows.append(Arrow(here, there, " ".join(words), look))

    def _requirement(self, here: str, requirement: Requirement) -> None:
        term = requirement.term
        note = "" if term.state == "SUCCESS" else str(term.state)
        note = f"{note} enough: {term.enough}" if term.enough is not None else note
        note = f"{note} at least: {term.at_least}" if term.at_least is not None else note
        look: Look = "error" if term.state == "ERROR" else "plain"
        if term.task is not None:
            if term.task in self._tasks:
                self.arrows.append(Arrow(self._task(term.task), here, note.strip(), look))
            return
        for tags in [term.all_tags] if term.all_tags else [(tag,) for tag in term.tags or ()]:
            self.arrows.append(Arrow(self._tag(tags), here, note.strip(), look))

    def _tag(self, tags: tuple[str, ...]) -> str:
        known = ("tag", " + ".join(tags))
        if known not in self.spots:
            there = self._spot(*known)
            bearers = [task for task in self._tasks.values() if set(tags) <= set(task.tags)]
            self.arrows += [Arrow(self._task(task.name), there) for task in bearers]
        return self.spots[known].id

    def _task(self, name: str) -> str:
        return self._spot("join" if self._tasks[name].join else "task", name)

    def _spot(self, kind: str, name: str, note: str = "") -> str:
        made = self.spots.setdefault((kind, name), Spot(f"n{len(self.spots)}", kind, name, note))
        return made.id


def _note(task: TaskDefinition) -> str:
    callee = task.workflow or task.action
    words = [_short(str(callee.data))] if callee is not None else []
    words += ["for each item"] if task.with_items else []
    words += [f"join {task.join}"] if task.join else []
    return " · ".join(words)


def _short(text: str) -> str:
    flat = " ".join(text.removeprefix("<%").removesuffix("%>").split())
    return flat if len(flat) <= _LONGEST else flat[: _LONGEST - 1] + "…"
