"""Files, folders and functions stay small enough to be read whole (STYLE, rule 10).

An exception is a line with its reason: `# long: why` on the line of the `def`, or in the first five
lines of a module.
"""

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src" / "ostro"

MODULE_LINES = 400
FUNCTION_LINES = 40
MODULES_IN_A_FOLDER = 12


def modules() -> list[Path]:
    return sorted(SOURCE.rglob("*.py"))


def excused(line: str) -> bool:
    return "# long: " in line


def test_a_module_has_at_most_400_lines() -> None:
    sizes = {path.relative_to(ROOT): path.read_text().splitlines() for path in modules()}
    too_long = {
        str(path): len(lines)
        for path, lines in sizes.items()
        if len(lines) > MODULE_LINES and not any(excused(line) for line in lines[:5])
    }
    assert too_long == {}


def test_a_folder_has_at_most_12_modules() -> None:
    folders: dict[Path, int] = {}
    for path in modules():
        if path.name != "__init__.py":
            folders[path.parent] = folders.get(path.parent, 0) + 1
    assert {str(f.relative_to(ROOT)): n for f, n in folders.items() if n > MODULES_IN_A_FOLDER} == {}


def test_a_function_has_at_most_40_lines() -> None:
    too_long = [
        f"{path.relative_to(ROOT)}:{function.lineno} {function.name}"
        for path in modules()
        for function, length, line in functions(path)
        if length > FUNCTION_LINES and not excused(line)
    ]
    assert too_long == []


def functions(path: Path) -> Iterator[tuple[ast.FunctionDef | ast.AsyncFunctionDef, int, str]]:
    """Each function with its lines of code (its docstring does not count) and its `def` line."""
    text = path.read_text()
    lines = text.splitlines()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            first = node.body[0]
            documented = isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant)
            docstring = (first.end_lineno or 0) - first.lineno + 1 if documented else 0
            length = (node.end_lineno or 0) - node.lineno + 1 - docstring
            signature_end = node.body[0].lineno - 1
            yield node, length, " ".join(lines[node.lineno - 1 : signature_end])
