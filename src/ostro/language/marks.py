"""Where expressions stand in a string, as Mistral finds them: `<% yaql %>`, `{{ jinja }}`, `{% jinja %}`, each on one line.

What is opened on one line and closed on another is text.
"""

import re

YAQL = re.compile(r"<%.*?%>")
JINJA = re.compile(r"\{\{.*\}\}|\{%.*%\}")


def has_expression(text: str) -> bool:
    """Whether there is anything to evaluate."""
    return ("%>" in text and YAQL.search(text) is not None) or (
        "{" in text and JINJA.search(text) is not None
    )
