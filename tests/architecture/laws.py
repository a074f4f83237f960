"""import-linter's forbidden contract, for rooms that may not be built yet."""

import re
from pathlib import Path
from typing import Any

from grimp import ImportGraph
from importlinter.contracts.forbidden import ForbiddenContract
from importlinter.domain.contract import ContractCheck, InvalidContractOptions

LAYERS = Path(__file__).parents[2] / ".importlinter"


class Law(ForbiddenContract):
    """Leaves out rooms that are not built yet; a room that no layer names is a mistake."""

    type_name = "law"

    def check(self, graph: ImportGraph, verbose: bool) -> ContractCheck:
        for option in ("source_modules", "forbidden_modules"):
            built = self._built(option, graph)
            if not built:
                return ContractCheck(kept=True)
            setattr(self, option, built)
        return super().check(graph, verbose)

    def _built(self, option: str, graph: ImportGraph) -> set[Any]:
        chosen = set()
        for module in getattr(self, option):
            name, ours = module.expression, module.expression.startswith("ostro.")
            if ours and name.split(".")[1] not in rooms():
                raise InvalidContractOptions({option: f"There is no room {name}."})
            if not ours or "*" in name or name in graph.modules:
                chosen.add(module)
        return chosen


def rooms() -> set[str]:
    """The names in the contract of layers."""
    layers = LAYERS.read_text().partition("layers =\n")[2].partition("\n\n")[0]
    return {"*", "**", *re.findall(r"[a-z]+", layers)}
