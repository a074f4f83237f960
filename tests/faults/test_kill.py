"""The short form of the rounds of `tests.faults.kill`: everything is killed now and then, and nothing is lost."""

import pytest

from tests.faults.kill import main


@pytest.mark.long
async def test_twenty_rounds_of_adding_sealing_and_killing_lose_nothing(tmp_path) -> None:
    report = await main(20, seed=1, folder=tmp_path, every=1.5)
    assert report.rounds == 20
    assert not report.wrong, str(report)
