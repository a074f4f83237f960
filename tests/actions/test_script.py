"""Scripts are run as real processes."""

import asyncio
import os
from pathlib import Path

import pytest

from ostro.actions.marks import all_in, living_in, started_at
from tests.actions.runs import Run, result_of


async def test_a_script_runs_with_the_shell_and_its_output_is_kept(tmp_path: Path) -> None:
    run = Run(tmp_path, {"run": "echo hello; echo oh >&2"})
    outcome = await run.act()
    assert outcome.error is None
    assert result_of(outcome) == {"exit_code": 0, "stdout": "hello\n", "stderr": "oh\n", "result": None}
    assert run.written("stdout") == b"hello\n"
    assert run.written("stderr") == b"oh\n"
    assert all_in(run.context.marks) == []


async def test_any_interpreter_can_be_named_with_arguments(tmp_path: Path) -> None:
    run = Run(tmp_path, {"run": "import sys; print(sys.flags.isolated)", "interpreter": ["python3", "-I"]})
    assert result_of(await run.act())["stdout"] == "1\n"


async def test_an_exit_code_is_an_error_with_its_result(tmp_path: Path) -> None:
    run = Run(tmp_path, {"run": 'echo \'{"a": 1.50}\' > "$OSTRO_RESULT"; exit 7'})
    outcome = await run.act()
    assert outcome.error == "exit code 7"
    assert b'"result":{"a": 1.50}' in (outcome.result or b"")


async def test_a_script_reads_its_input_and_the_results_it_requires(tmp_path: Path) -> None:
    text = 'cat "$OSTRO_REQUIRES/build.json" requires.json; cat conf/a.txt; echo "$WHO"; cat "$OSTRO_INPUT"'
    given = {"run": text, "files": {"conf/a.txt": "A\n"}, "env": {"WHO": "me"}}
    run = Run(tmp_path, given, requires={"build": b'{"n":1}'})
    stdout = result_of(await run.act())["stdout"]
    assert stdout.startswith('{"n":1}{"build":{"n":1}}A\nme\n')
    assert '"WHO": "me"' in stdout


async def test_a_script_sees_the_token_of_its_job_and_not_the_workers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OSTRO_TOKEN", "the worker's")
    monkeypatch.setenv("OSTRO_DATABASE_URL", "secret")
    run = Run(
        tmp_path, {"run": 'echo "$OSTRO_TOKEN-$OSTRO_DATABASE_URL"'}, environment={"OSTRO_TOKEN": "job's"}
    )
    assert result_of(await run.act())["stdout"] == "job's-\n"


async def test_bytes_that_are_no_text_are_replaced_in_the_result_and_kept_in_the_log(tmp_path: Path) -> None:
    run = Run(tmp_path, {"run": r"printf 'a\000b\377c'"})
    assert result_of(await run.act())["stdout"] == "a\ufffdb\ufffdc"
    assert run.written("stdout") == b"a\0b\xffc"


async def test_only_the_last_64_kib_are_in_the_result(tmp_path: Path) -> None:
    run = Run(tmp_path, {"run": "print('x' * 100_000 + 'end')", "interpreter": "python3"})
    stdout = result_of(await run.act())["stdout"]
    assert len(stdout) == 64 * 1024
    assert stdout.endswith("end\n")
    assert len(run.written("stdout")) == 100_004


async def test_a_result_above_the_limit_is_an_error(tmp_path: Path) -> None:
    run = Run(tmp_path, {"run": "head -c 5000 /dev/zero | tr '\\0' 1 > $OSTRO_RESULT"}, result_bytes=4000)
    outcome = await run.act()
    assert (outcome.error or "").startswith("result_too_large: ")
    assert len(outcome.result or b"") < 4000


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"run": "true", "interpreter": "no-such-program"}, "there is no interpreter no-such-program"),
        ({"run": "true", "user": "no-such-user"}, "there is no user no-such-user"),
        ({"run": "true", "cwd": "nowhere"}, "there is no folder"),
        ({"run": "true", "files": {"../x": ""}}, "relative paths"),
        ({"run": "true", "files": {"/etc/x": ""}}, "relative paths"),
        ({"run": "true", "env": {"A": "\0"}}, "null byte"),
        ({"runs": "true"}, "not what it takes"),
        ({"run": "echo no > $OSTRO_RESULT"}, "not JSON"),
        ({"run": "ln -s /etc/passwd $OSTRO_RESULT"}, "cannot be read"),
        ({"run": "mkfifo $OSTRO_RESULT"}, "not a regular file"),
        ({"run": "kill -9 $$"}, "killed by signal 9"),
    ],
)
async def test_what_cannot_be_done_is_said(tmp_path: Path, given: object, says: str) -> None:
    outcome = await Run(tmp_path, given).act()
    assert says in (outcome.error or "")


async def test_a_stop_ends_the_whole_group(tmp_path: Path) -> None:
    run = Run(tmp_path, {"run": "sleep 1000 & timeout 1000 sleep 1000 & echo ready; wait"})
    async with asyncio.TaskGroup() as group:
        ended = group.create_task(run.act())
        await run.wrote.wait()
        (_, mark) = all_in(run.context.marks)[0]
        assert mark is not None
        assert len(living_in(mark.pid)) >= 3
        run.context.stopping.set()
    assert "signal 15" in (ended.result().error or "")
    assert living_in(mark.pid) == []


async def test_who_does_not_listen_is_killed(tmp_path: Path) -> None:
    text = "trap '' TERM; echo ready; while true; do sleep 1000; done"
    run = Run(tmp_path, {"run": text}, kill_after=0.2)
    async with asyncio.TaskGroup() as group:
        ended = group.create_task(run.act())
        await run.wrote.wait()
        run.context.stopping.set()
    assert ended.result().error == "killed by signal 9"


async def test_what_a_script_left_behind_is_ended_with_it(tmp_path: Path) -> None:
    run = Run(tmp_path, {"run": "sleep 1000 & echo $!"})
    pid = int(result_of(await run.act())["stdout"])
    assert started_at(pid) == ""


async def test_who_left_the_session_does_not_hold_up_the_job(tmp_path: Path) -> None:
    run = Run(tmp_path, {"run": "setsid sleep 3 & echo started"})
    assert result_of(await run.act())["stdout"] == "started\n"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may become another user")
async def test_a_script_runs_as_another_user() -> None:
    import shutil
    import tempfile

    folder = Path(tempfile.mkdtemp(dir="/tmp"))
    folder.chmod(0o711)
    try:
        run = Run(folder, {"run": "id -un; echo 1 > $OSTRO_RESULT", "user": "nobody", "files": {"a/b": "x"}})
        outcome = await run.act()
        assert outcome.error is None
        assert result_of(outcome)["stdout"] == "nobody\n"
        assert result_of(outcome)["result"] == 1
    finally:
        shutil.rmtree(folder)
