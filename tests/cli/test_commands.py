"""What holds of every command."""

from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from ostro.cli.main import ostro, run


def commands(group: click.Group, path: str) -> Iterator[tuple[str, click.Command]]:
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        yield f"{path} {name}", command
        if isinstance(command, click.Group):
            yield from commands(command, f"{path} {name}")


def test_no_command_has_two_parameters_of_one_name() -> None:
    found = dict(commands(ostro, "ostro"))
    assert "ostro token revoke" in found
    for path, command in found.items():
        names = [parameter.name for parameter in command.params]
        assert len(set(names)) == len(names), path
        assert command.help, path


def test_a_certificate_that_is_not_there_is_told_before_anything_starts(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OSTRO_DATA_DIR", str(tmp_path / "data"))
    missing = str(tmp_path / "no.pem")
    code = run(["server", "--listen", "127.0.0.1:0", "--tls-cert", missing, "--tls-key", missing])
    assert code == 1
    assert "cannot be used" in capsys.readouterr().err
    assert not (tmp_path / "data").exists()
