"""What a page sets going and does not wait for."""

from __future__ import annotations

from judge_pages import over
from waiting import HANGS_S

from pipeline.web.errands import Errand, Errands


def test_an_errand_is_not_begun_twice_and_its_failure_is_a_line() -> None:
    errands = Errands()
    begun: list[str] = []

    def slow(errand: Errand) -> str:
        begun.append(errand.key)
        errand.stop.wait(HANGS_S)
        raise ValueError("an index\nout of range")

    try:
        first = errands.send("one", slow, who="Ada", key="k")
        assert errands.send("one", slow, who="Ada", key="k") is first
        waiting = errands.send("two", lambda errand: "done", who="Ada")
        first.stop.set()
        assert over(errands, "k").state == "failed"
        assert "ValueError" in first.line
        assert over(errands, waiting.key).line == "done"
        assert begun == ["k"]
    finally:
        errands.close()
    assert errands.send("late", slow, who="Ada").state == "failed"
