"""What `import ostro` offers, and what it costs."""

import subprocess
import sys

import ostro


def test_import_ostro_loads_nothing_else_of_it() -> None:
    program = "import sys; before = set(sys.modules); import ostro; print(*sorted(set(sys.modules) - before))"
    answer = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    loaded = set(answer.stdout.split())
    assert {name for name in loaded if name.startswith("ostro")} == {"ostro"}
    assert loaded & {"asyncio", "click", "httpx2", "msgspec"} == set()


def test_marking_an_action_loads_no_client_and_no_command() -> None:
    program = "import sys, ostro; ostro.action; print(*sorted(sys.modules))"
    answer = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert set(answer.stdout.split()) & {"ostro.client", "ostro.worker", "httpx2", "click", "yaml"} == set()


def test_there_are_at_most_twenty_names_and_each_is_found() -> None:
    assert len(ostro.__all__) <= 20
    assert all(getattr(ostro, name) is not None for name in ostro.__all__)
