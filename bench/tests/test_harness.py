"""What the harness promises: `python3 -m unittest discover -s bench/tests`. Needs no peer."""

import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from harness import table
from harness.measure import Command, Failed, run, take_turns

PYTHON = sys.executable


def quiet(_text: str) -> None:
    pass


def script(text: str) -> Command:
    return Command([PYTHON, "-c", text])


class Measure(unittest.TestCase):
    def test_a_program_is_timed_and_says_what_its_steps_took(self) -> None:
        said = '{"seconds": {"work": [0.5]}, "facts": {"rows": 3}}'
        measured = run(script(f"import time; time.sleep(0.2); print('hello'); print('{said}')"))
        self.assertGreaterEqual(measured.seconds, 0.2)
        self.assertEqual(measured.steps, {"work": [0.5]})
        self.assertEqual(measured.facts, {"rows": 3})

    def test_the_peak_is_the_programs_own_and_not_that_of_who_starts_it(self) -> None:
        ballast = bytearray(200 << 20)
        self.assertLess(run(script("pass")).peak_mib, 60)
        self.assertGreater(run(script("x = b'1' * (100 << 20)")).peak_mib, 100)
        del ballast

    def test_a_failure_is_told_in_the_programs_last_words(self) -> None:
        with self.assertRaisesRegex(Failed, "no such shop"):
            run(script("raise SystemExit('no such shop')"))
        with self.assertRaises(Failed):
            run(script("import os; os.kill(os.getpid(), 9)"))

    def test_what_does_not_end_is_ended_with_all_that_it_started(self) -> None:
        sleeper = "import subprocess; subprocess.run(['sleep', '60'])"
        with self.assertRaisesRegex(Failed, "took more than"):
            run(script(sleeper), timeout=0.5)


class Turns(unittest.TestCase):
    def test_programs_take_turns_and_one_that_fails_does_not_stop_the_other(self) -> None:
        order = []

        def good(turn: int) -> Command:
            order.append(f"good {turn}")
            return script("pass")

        def bad(turn: int) -> Command:
            order.append(f"bad {turn}")
            return script("raise SystemExit('broken')" if turn else "pass")

        done = take_turns({"good": good, "bad": bad}, 3, quiet)
        self.assertEqual(order, ["good 0", "bad 0", "good 1", "bad 1", "good 2"])
        self.assertEqual(len(done["good"].seconds()), 3)
        with self.assertRaisesRegex(Failed, "broken"):
            done["bad"].seconds()


class Table(unittest.TestCase):
    def test_a_goal_is_met_by_time_and_memory_both(self) -> None:
        goal = table.Goal(faster=4, smaller=5)
        for ours, memory, met in (
            ([1.0], (10.0, 50.0), "yes"),
            ([1.1], (10.0, 50.0), "**no**"),
            ([1.0], (10.0, 49.0), "**no**"),
        ):
            row = table.compared("x", ours, "peer", [3.0, 4.0, 9.0], goal, memory)
            self.assertEqual(row.met, met)
        self.assertEqual(row.theirs, "4 s (3 s–9 s)")

    def test_a_limit_below_one_is_how_much_slower_it_may_be(self) -> None:
        goal = table.Goal(faster=1 / 1.3)
        self.assertEqual(str(goal), "≤ 1.3 × its time")
        self.assertEqual(table.compared("x", [1.29], "peer", [1.0], goal).met, "yes")
        self.assertEqual(table.compared("x", [1.31], "peer", [1.0], goal).met, "**no**")

    def test_other_output_is_a_failure_and_a_missed_goal_is_none(self) -> None:
        goal, other = table.Goal(faster=2), table.Check(False, "3 rows, theirs 4")
        self.assertFalse(table.compared("x", [1.0], "peer", [1.0], goal).is_failed)
        row = table.compared("x", [1.0], "peer", [9.0], goal, check=other)
        self.assertTrue(row.is_failed)
        self.assertIn("3 rows, theirs 4", table.markdown([row]))


class Price(unittest.TestCase):
    def test_an_invocation_is_billed_by_memory_and_the_started_millisecond(self) -> None:
        from cases import cost

        self.assertAlmostEqual(cost.price(1024, 1.0), 0.000_016_666_7 + 0.000_000_2, places=10)
        self.assertAlmostEqual(cost.price(512, 1.0), cost.price(1024, 0.5), places=10)
        self.assertGreater(cost.price(1024, 1.0002), cost.price(1024, 1.0))


if __name__ == "__main__":
    unittest.main()
