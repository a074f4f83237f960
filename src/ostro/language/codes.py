"""Every code that a problem may have: its severity, what it says, what to do. The codes are stable.

What Mistral accepts and runs is never an error here.
"""

import msgspec

ERROR, WARNING = "error", "warning"


class Code(msgspec.Struct, frozen=True):
    """What is known of one code."""

    severity: str
    title: str
    advice: str


CODES: dict[str, Code] = {
    # The text.
    "not-text": Code(ERROR, "The text is not UTF-8.", "Save it as UTF-8."),
    "too-large": Code(ERROR, "The text is too large, or its aliases make it so.", "Split it; use fewer aliases."),
    "too-deep": Code(ERROR, "The text is nested too deep.", "Bring it into a flatter form."),
    "empty": Code(ERROR, "There is nothing in the text.", "Begin with `version: '2.0'`."),
    "not-yaml": Code(ERROR, "The text is not YAML.", "Look at indentation, quotes and brackets near the place."),
    "several-documents": Code(ERROR, "The text holds several YAML documents.", "Put each into a text of its own."),
    "unknown-alias": Code(ERROR, "An alias refers to no anchor before it.", "Quote it if it is meant as text."),
    "unknown-tag": Code(ERROR, "A YAML tag is not known.", "Take it away."),
    "unused-anchor": Code(WARNING, "An anchor is used by no alias; Mistral reads it as text.", "Quote it if it is meant as text."),
    "duplicate-key": Code(ERROR, "A key stands twice in one mapping.", "Keep one of them."),
    "strange-key": Code(ERROR, "A mapping or a list stands where a key must be.", "Put an expression in quotes."),
    "truth-key": Code(WARNING, "A key such as `on` is a truth value in YAML 1.1; it is read as text.", "Put it in quotes."),
    "sexagesimal": Code(WARNING, "A text such as `12:30` is a number of base 60 in YAML 1.1.", "Put it in quotes if the text is meant."),
    "not-finite": Code(ERROR, "A number is infinite, or none; JSON has no such.", "Put it in quotes if the text is meant."),
    "too-many": Code(WARNING, "There are more problems than are told.", "Mend these first."),
    # Keys and values.
    "unknown-key": Code(ERROR, "There is no such key here.", "Take the nearest right word, or take it away."),
    "ignored-key": Code(WARNING, "A workflow has no such key; it is ignored, as Mistral does.", "Take the nearest right word, or take it away."),
    "misplaced-key": Code(ERROR, "The key belongs to another type of workflow.", "Take it away, or change the workflow's `type`."),
    "missing-key": Code(ERROR, "A key that must be there is missing.", "Add it."),
    "wrong-type": Code(ERROR, "The value is not what the key takes.", "Write what is expected."),
    "repeated-item": Code(ERROR, "The same stands twice in a list.", "Take one of them away."),
    "unknown-type": Code(WARNING, "The mapping looks like a declaration with a misspelt type; it is taken as a default.", "Take the nearest right type."),
    "wrong-version": Code(ERROR, "The version of the language is not 2.0.", "Write `version: '2.0'`."),
    "wrong-name": Code(ERROR, "The name cannot be used.", "Choose one without blanks that does not read as a UUID."),
    "no-definitions": Code(ERROR, "The text holds no workflow and no action.", "Add one below `version`."),
    "two-callees": Code(ERROR, "A task runs an action or a workflow, not both.", "Take one of them away."),
    "ignored-words": Code(WARNING, "Words behind a name are no parameters and are ignored.", "Write `key=value`."),
    "cut-number": Code(WARNING, "A fraction in a `retry` on one line is cut to a whole number, as Mistral does.", "Write a whole number."),
    "mixed-input": Code(ERROR, "`input` is an expression, and parameters stand behind the name too.", "Keep one of them."),
    "expression": Code(ERROR, "An expression does not parse.", "Mend it."),
    "wrong-term": Code(ERROR, "A term says nothing, or too much at once.", "Give exactly one of `task`, `tags`, `all_tags`."),
    # What fits together.
    "unknown-task": Code(ERROR, "A transition or a requirement names a task that is not there.", "Take the nearest right name, or add the task."),
    "no-start": Code(ERROR, "Every task waits for another one: nothing can start.", "Let one task have nothing that leads to it."),
    "unreached-task": Code(WARNING, "Nothing leads to this task from a start.", "Lead to it, or take it away."),
    "never-started": Code(WARNING, "It stands behind a command that ends the workflow.", "Put it before the command."),
    "command-name": Code(WARNING, "The task has the name of a command; Mistral takes the command.", "Give it another name."),
    "ignored-parameters": Code(WARNING, "Only commands take parameters; a task gets its input itself.", "Move them to the task's `input`."),
    "endless-loop": Code(WARNING, "Tasks lead to each other in a circle without any guard.", "Guard one of the transitions."),
    "join-short": Code(ERROR, "A join waits for more tasks than lead to it.", "Lower the number, or lead more tasks to it."),
    "join-waits-for-itself": Code(WARNING, "A join waits for a task that only runs after it.", "Take it out of the circle, or use `join: one`."),
    "cycle": Code(ERROR, "Tasks require each other in a circle: none of them can start.", "Take one of the requirements away."),
    "reverse-cycle": Code(WARNING, "Tasks of a reverse workflow require each other in a circle; they can never start.", "Take one of the requirements away."),
    "too-many-selections": Code(ERROR, "A workflow has more distinct selections of tags with numbers than it may.", "Use the same terms again, or plain tags."),
    "dead-term": Code(ERROR, "A term can never hold.", "Give the tag to a task, let one spawn it, or say `optional: true`."),
    "unknown-variable": Code(WARNING, "No path to here sets this variable.", "Publish it before, or take the nearest right name."),
    "unknown-result": Code(WARNING, "`task()` names a task that is not there.", "Take the nearest right name."),
    "action-cycle": Code(WARNING, "Ad-hoc actions are based on each other in a circle; none of them can run.", "Base one of them on a standard action."),
    "needless-key": Code(WARNING, "The key does nothing here.", "Take it away."),
    "wrong-call": Code(WARNING, "A workflow or action of this text is given too little, or what it does not take.", "Compare with its `input`."),
    "unknown-action": Code(WARNING, "There is no such standard action.", "Take the nearest right name."),
}  # fmt: skip
