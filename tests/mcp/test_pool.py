"""The processes behind the server: what takes too long is ended, what ends by itself is made anew."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.mcp.slow import SLOW

anyio = pytest.importorskip("anyio", reason="it comes with the extra mcp")

from archlab.mcp.pool import pool  # noqa: E402

SMALL = {"text": "input: [3]\nlayers: [{type: relu}]"}


def test_a_call_that_takes_too_long_is_ended_and_the_next_one_is_answered(tmp_path: Path) -> None:
    async def session() -> None:
        async with pool(tmp_path, 0.7) as workers:
            (ended,) = workers._idle
            ok, answer = await workers.answer("fit", SLOW)
            assert not ok
            (problem,) = answer["problems"]
            assert problem["code"] == "too-large"
            assert problem["message"].startswith(
                "the call of fit took more than 0.7 seconds and was ended; ask for less"
            )
            assert await ended.wait() == -9
            workers.limit = 60
            assert (await workers.answer("validate", SMALL))[1]["ok"]
            (kept,) = workers._idle
            kept.kill()
            await kept.wait()
            assert (await workers.answer("validate", SMALL))[1]["ok"]
            (kept,) = workers._idle
            with anyio.move_on_after(0.2):  # who asked no longer waits
                await workers.answer("fit", SLOW)
            assert await kept.wait() == -9
            assert not workers._idle
            assert not workers._running

    anyio.run(session)


def test_a_process_that_ends_in_a_call_is_told_of(tmp_path: Path) -> None:
    async def session() -> None:
        async with pool(tmp_path, 60) as workers:
            (process,) = workers._idle

            async def end() -> None:
                await anyio.sleep(0.1)
                process.kill()

            async with anyio.create_task_group() as group:
                group.start_soon(end)
                ok, answer = await workers.answer("fit", SLOW)
            assert not ok
            assert answer["problems"][0]["message"].startswith("the call of fit ended without an answer; ask for less")

    anyio.run(session)
