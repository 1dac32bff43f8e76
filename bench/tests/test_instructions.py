"""How tools/instructions judges counts: no kernel is run."""

import importlib.machinery
import importlib.util
import sys
import unittest
from pathlib import Path

PATH = Path(__file__).parents[2] / "tools/instructions"


def load():
    loader = importlib.machinery.SourceFileLoader("instructions", str(PATH))
    spec = importlib.util.spec_from_loader(loader.name, loader)
    module = importlib.util.module_from_spec(spec)
    sys.modules[loader.name] = module
    # A script without a suffix would leave its bytecode beside itself.
    writes, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    loader.exec_module(module)
    sys.dont_write_bytecode = writes
    return module


instructions = load()


def verdicts(before: dict, now: dict) -> dict:
    return {row.kernel: (row.verdict, row.fails) for row in instructions.compare(before, now)}


class Compare(unittest.TestCase):
    def test_over_a_tenth_more_fails_and_a_tenth_does_not(self) -> None:
        found = verdicts({"a": 1000, "b": 1000, "c": 1000}, {"a": 1000, "b": 1100, "c": 1101})
        self.assertEqual(found, {"a": ("", False), "b": ("", False), "c": ("MORE", True)})

    def test_over_a_tenth_less_is_told_and_does_not_fail(self) -> None:
        found = verdicts({"a": 1000, "b": 1000}, {"a": 899, "b": 900})
        self.assertEqual(found, {"a": ("less", False), "b": ("", False)})

    def test_a_kernel_on_one_side_alone_fails(self) -> None:
        found = verdicts({"old": 5}, {"new": 5})
        self.assertEqual(found, {"new": ("NEW", True), "old": ("GONE", True)})

    def test_what_stands_out_is_named_with_what_to_do(self) -> None:
        rows = instructions.compare({"a": 100, "b": 100, "c": 100}, {"a": 150, "b": 50, "c": 101})
        more, less = instructions.advice(rows)
        self.assertRegex(more, r"over 10% more.*: a\..*--update")
        self.assertRegex(less, r"over 10% fewer.*: b\..*--update")

    def test_the_table_has_counts_change_and_verdict(self) -> None:
        rows = instructions.compare({"forest": 1_000_000}, {"forest": 1_250_000, "new": 7})
        _, forest, new = instructions.table(rows).splitlines()
        self.assertEqual(forest.split(), ["forest", "1,000,000", "1,250,000", "+25.0%", "MORE"])
        self.assertEqual(new.split(), ["new", "-", "7", "-", "NEW"])

    def test_another_compiler_is_told(self) -> None:
        same = {"rustc": "1", "processor": "p"}
        self.assertEqual(instructions.differences(same, dict(same)), [])
        (note,) = instructions.differences(same, {"rustc": "2", "processor": "p"})
        self.assertRegex(note, "rustc is 2.*of 1")


class Counted(unittest.TestCase):
    def test_the_count_is_read_off_callgrinds_last_lines(self) -> None:
        said = "==7== Events    : Ir\n==7== Collected : 20653417\n==7== \n"
        self.assertEqual(instructions.counted(said), 20_653_417)

    def test_nothing_counted_is_no_count(self) -> None:
        for said in ("==7== Collected : 0\n", "killed"):
            with self.assertRaisesRegex(SystemExit, "counted nothing"):
                instructions.counted(said)


if __name__ == "__main__":
    unittest.main()
