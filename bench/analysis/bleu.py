"""BLEU: how near translations are to those of people."""

from __future__ import annotations

from collections.abc import Iterable

from sacrebleu.metrics.bleu import BLEU

from bench.core.measurement import Passage


def bleu(passages: Iterable[Passage]) -> float | None:
    """Of all texts that people have written too, from 0 to 100; None if there are none.

    Papineni et al. (2002) as sacrebleu has it (Post, 2018), with its own smoothing, on words as
    they stand between spaces.
    """
    pairs = [(each.written, each.expected) for each in passages if each.expected is not None]
    if not pairs:
        return None
    written, expected = zip(*pairs, strict=True)
    # The words are split already, which it would complain about; of `tokenize`, none splits them.
    metric = BLEU(tokenize="none", force=True)
    return float(metric.corpus_score(list(written), [list(expected)]).score)
