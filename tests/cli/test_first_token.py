"""The first token of a database, made before any server runs."""

import subprocess
import sys
from pathlib import Path

import asyncpg
import msgspec


def ostro(folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    settled = {"PATH": "/usr/bin:/bin", "HOME": str(folder), "OSTRO_PROFILE": str(folder / "profile.json")}
    command = [sys.executable, "-m", "ostro.cli.main", *arguments]
    return subprocess.run(command, env=settled | environment, capture_output=True, text=True, check=False)


async def test_a_token_made_in_the_database_is_all_that_was_asked_for(
    database_url: str, tmp_path: Path
) -> None:
    made = ostro(
        tmp_path,
        *(
            "token",
            "create",
            "--scope",
            "worker",
            "--bind",
            "server=web-1",
            "--grant",
            "role",
            "--label",
            "web-1",
        ),
        OSTRO_DATABASE_URL=database_url,
    )
    assert made.returncode == 0, made.stderr
    kind, identity = made.stdout.strip().split("_")[1:3]
    raw = await asyncpg.connect(database_url)
    row = await raw.fetchrow("SELECT * FROM tokens WHERE id = $1", identity)
    await raw.close()
    assert row is not None
    assert (kind, row["kind"], row["label"], row["pool"]) == ("worker", "worker", "web-1", False)
    assert msgspec.json.decode(row["binding"]) == {"server": "web-1"}
    assert made.stdout.strip().encode() not in row["secret"]


def test_a_profile_that_names_a_server_goes_before_the_database(tmp_path: Path) -> None:
    (tmp_path / "profile.json").write_text('{"server": "http://127.0.0.1:1", "token": "ostro_admin_x_y"}')
    asked = ostro(tmp_path, "token", "create", "--scope", "admin", OSTRO_DATA_DIR=str(tmp_path / "nothing"))
    assert asked.returncode == 8
    assert "127.0.0.1:1" in asked.stderr


def test_a_dump_into_a_folder_that_is_not_there_is_told_without_a_trace(
    database_url: str, tmp_path: Path
) -> None:
    asked = ostro(tmp_path, "db", "dump", str(tmp_path / "no" / "dump"), OSTRO_DATABASE_URL=database_url)
    assert asked.returncode == 1
    assert asked.stderr.startswith("Error: ")
    assert "Traceback" not in asked.stderr
