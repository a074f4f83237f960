"""Makes `src/ostro/client/sync.pyi` from the async side: python -m tests.client.sync_stub"""

import ast
import subprocess
import sys
from pathlib import Path

CLIENT = Path(__file__).parents[2] / "src" / "ostro" / "client"
STUB = CLIENT / "sync.pyi"
MODULES = ("client.py", "definitions.py", "workflow.py")
TWINS = ("Client", "Workflows", "Definitions", "Environments", "Jobs", "Workers", "Tokens", "Workflow")
RENAMED = {"__aenter__": "__enter__", "__aexit__": "__exit__"}
HEAD = """# The sync side of the SDK, as types. Made by tests/client/sync_stub.py from the async side: do not edit.
"""


class ToSync(ast.NodeTransformer):
    """Async methods without their bodies, twins by their sync names."""

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> ast.AST:
        plain = {field: getattr(node, field) for field in node._fields}
        return self.visit_FunctionDef(ast.FunctionDef(**plain, lineno=node.lineno, col_offset=0))

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        self.generic_visit(node)
        node.body = [ast.Expr(ast.Constant(...))]
        node.name = RENAMED.get(node.name, node.name)
        return node

    def visit_Name(self, node: ast.Name) -> ast.AST:
        if node.id in TWINS:
            node.id = f"Sync{node.id}"
        elif node.id == "AsyncIterator":
            node.id = "Iterator"
        return node


def attributes(init: ast.FunctionDef) -> list[ast.stmt]:
    """`self.x = Twin(...)` and `self.id = workflow` as annotations."""
    types = {arg.arg: arg.annotation for arg in init.args.args}
    found: list[ast.stmt] = []
    for statement in init.body:
        if not isinstance(statement, ast.Assign) or not isinstance(statement.targets[0], ast.Attribute):
            continue
        name, value = statement.targets[0].attr, statement.value
        annotation = value.func if isinstance(value, ast.Call) else types.get(getattr(value, "id", ""))
        if not name.startswith("_") and annotation is not None:
            found.append(ast.AnnAssign(ast.Name(name), annotation, None, simple=1))
    return found


def stub_of(cls: ast.ClassDef) -> ast.ClassDef:
    body: list[ast.stmt] = []
    for node in cls.body:
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        if node.name == "__init__":
            body += attributes(node) if isinstance(node, ast.FunctionDef) else []
        if (
            node.name in RENAMED
            or not node.name.startswith("_")
            or (node.name, cls.name) == ("__init__", "Client")
        ):
            body.append(node)
    made = ast.ClassDef(f"Sync{cls.name}", [], [], body, [])
    visited = ToSync().visit(made)
    assert isinstance(visited, ast.ClassDef)
    # A method `list` hides the builtin from the annotations after it.
    visited.body.sort(key=lambda node: getattr(node, "name", "") == "list")
    return visited


def make() -> str:
    """The stub's text, in order."""
    trees = [ast.parse((CLIENT / name).read_text()) for name in MODULES]
    imports = {
        ast.unparse(node).replace("AsyncIterator", "Iterator")
        for tree in trees
        for node in tree.body
        if isinstance(node, ast.Import | ast.ImportFrom)
    }
    classes = {
        n.name: n for tree in trees for n in tree.body if isinstance(n, ast.ClassDef) and n.name in TWINS
    }
    parts = [
        HEAD,
        *sorted(imports),
        *(ast.unparse(ast.fix_missing_locations(stub_of(classes[n]))) for n in TWINS),
    ]
    return formatted("\n\n".join(parts))


def formatted(text: str) -> str:
    """As ruff would have it, without unused imports."""
    ruff = [str(Path(sys.executable).with_name("ruff"))]
    for command in (["check", "--fix-only", "-q", "--select", "F401,I"], ["format", "-q"]):
        name = ["--stdin-filename", str(STUB), "-"]
        text = subprocess.run(
            [*ruff, *command, *name], input=text, capture_output=True, text=True, check=True
        ).stdout
    return text


if __name__ == "__main__":
    STUB.write_text(make())
