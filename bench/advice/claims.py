"""Common claims about frameworks, each with its source and with a test on the figures of a run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from bench.advice import claim_tests
from bench.advice.assessment import Assessment
from bench.advice.claim_tests import ClaimResult
from bench.advice.evidence import Evidence


@dataclass(frozen=True, kw_only=True)
class ReceivedClaim:
    """A claim, who makes it and where, what the test looks at, and the test."""

    name: str
    text: str
    who: str
    source: str
    tested: str
    test: Callable[[Evidence, Assessment], ClaimResult]


CLAIMS = (
    ReceivedClaim(
        name="scale",
        text="TensorFlow and MXNet lead in large-scale training",
        who="InfoWorld, 2016, on why Amazon picked MXNet: it scales and runs better than others",
        source="https://www.infoworld.com/article/3144025/why-amazon-picked-mxnet-for-deep-learning.html",
        tested="pace on this one machine, which is weak evidence: large scale was not measured",
        test=claim_tests.scale,
    ),
    ReceivedClaim(
        name="start",
        text="Keras and PyTorch are easiest to start with",
        who="Machine Learning Freaks, a comparison of TensorFlow, PyTorch and Keras",
        source="https://www.machinelearningfreaks.com/deep-learning-frameworks-a-comprehensive-comparison-of-tensorflow-pytorch-and-keras/",
        tested="this advice's criteria and weights for a beginner; not tutorials or error messages",
        test=claim_tests.start,
    ),
    ReceivedClaim(
        name="compiling",
        text="compiling always pays",
        who="PyTorch's tutorial: torch.compile makes PyTorch code run faster",
        source="https://docs.pytorch.org/tutorials/intermediate/torch_compile_tutorial.html",
        tested="epochs until the time spent on compiling is won back, where a run has both modes",
        test=claim_tests.compiling,
    ),
    ReceivedClaim(
        name="graphs",
        text="static graphs are faster than eager execution",
        who="designpattern.fyi: static graphs yield higher performance through optimisation",
        source="https://www.designpattern.fyi/patterns/static-vs-dynamic-graphs/",
        tested="pace of the same network as a graph and in eager mode",
        test=claim_tests.graphs,
    ),
    ReceivedClaim(
        name="lstm",
        text="LSTMs on a CPU are slower in PyTorch than in TensorFlow/Keras",
        who="a report to PyTorch of 2023: 739 s against 135 to 201 s for five epochs on IMDB",
        source="https://github.com/pytorch/pytorch/issues/94457",
        tested="pace on the run's tasks with LSTM layers on the CPU, with each tuning that it has",
        test=claim_tests.lstm,
    ),
    ReceivedClaim(
        name="accuracies",
        text="frameworks reach different accuracy",
        who="PyTorch's forum: a converted model does not reach the accuracy that it has in Keras",
        source="https://discuss.pytorch.org/t/significant-differences-between-keras-tensorflow-and-torch/181932",
        tested="final accuracies on the same task, against the differences between seeds",
        test=claim_tests.accuracies,
    ),
)


def check_claims(
    evidence: Evidence, assessment: Assessment
) -> list[tuple[ReceivedClaim, ClaimResult]]:
    """Every claim with the result of its test."""
    return [(claim, claim.test(evidence, assessment)) for claim in CLAIMS]
