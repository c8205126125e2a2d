"""Each planted fault still fits the source: most are only planted in the runs of their share."""

from __future__ import annotations

import pytest

from bench.launch import catalogue
from tests.test_late_proof import LATE_MUTANTS, LateMutant
from tests.test_mutants import MUTANTS, Mutant

PLANTED = [*MUTANTS.items(), *LATE_MUTANTS.items()]


@pytest.mark.parametrize(
    "fault", [fault for _, fault in PLANTED], ids=[name for name, _ in PLANTED]
)
def test_the_text_that_a_fault_replaces_is_there_once(fault: Mutant | LateMutant) -> None:
    text = (catalogue.TREE / fault.file).read_text(encoding="utf-8")
    assert text.count(fault.old) == 1
