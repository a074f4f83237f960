"""YAQL and Jinja2 in definitions: read once, evaluated often, never without limits.

Owns: finding expressions in strings, both languages, the functions of Mistral and of Ostro.
Never: does I/O, reads a clock, takes chance: what the world says comes as a `Snapshot`, filled before.
Called by: language (to read definitions and to lint), core and service (to evaluate).
"""

from ostro.language.expressions.failures import ExpressionError, Kind
from ostro.language.expressions.limits import DEFAULT_LIMITS, ExpressionLimits
from ostro.language.expressions.lookups import Given, Lookup, Need, Snapshot, Unanswered
from ostro.language.expressions.parsing import Expression, Language, parse, parse_yaql
from ostro.language.expressions.templates import Template, faults, template
from ostro.language.expressions.yaql.library.engine import warm_up

__all__ = [
    "DEFAULT_LIMITS",
    "Expression",
    "ExpressionError",
    "ExpressionLimits",
    "Given",
    "Kind",
    "Language",
    "Lookup",
    "Need",
    "Snapshot",
    "Template",
    "Unanswered",
    "faults",
    "parse",
    "parse_yaql",
    "template",
    "warm_up",
]
