"""What an expression reads, by the real parser. It needs the packages of the server's install."""

import msgspec

from ostro.language.expressions import ExpressionError, parse
from ostro.language.look import Look, look


def parsed(text: str) -> Look:
    """What is wrong with a text by the parser that will run it; what it reads by the look, which says no word too much:
    a variable behind `default` or inside a lambda is no variable of the workflow that must be there.
    """
    try:
        parse(text)
    except ExpressionError as wrong:
        return Look(problem=wrong.message.rstrip("."), at=wrong.offset)
    return msgspec.structs.replace(look(text), problem="", at=0)
