"""The certificate of identity as a page, and as a part of a run's page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bench.core.grouping import grouped
from bench.proof.certificate import Certificate
from bench.records.snapshot import ProofTerms, Snapshot
from bench.report.common.pages import render
from bench.report.common.plotting import Chart
from bench.report.proof.first_steps import first_steps
from bench.report.proof.proof_forms import DeviationTable, data_line, deviation_table, verdict


@dataclass(frozen=True, kw_only=True)
class CertificatePart:
    """The content of the certificate's part of a page.

    `precision` is the one in which the first steps are drawn. `tables` are by precision, and so are
    `exceptions`, the tolerances of single tasks in words.
    """

    verdict: str
    data: str
    failed: Sequence[Certificate]
    precision: str
    charts: Sequence[Chart]
    tables: Mapping[str, DeviationTable]
    exceptions: Mapping[str, Sequence[str]]
    terms: ProofTerms

    @staticmethod
    def of(certificates: Sequence[Certificate], snapshot: Snapshot) -> CertificatePart:
        """From the certificates of a run with that snapshot; an empty verdict if there are none."""
        by_precision: dict[str, list[Certificate]] = grouped(
            certificates, lambda certificate: certificate.claim.precision
        )
        # Drawn in the timed precision; in higher precision the curves coincide even more.
        timed = list(by_precision)[-1] if by_precision else ""
        return CertificatePart(
            verdict=verdict(certificates) if certificates else "",
            data=data_line(certificates),
            failed=[certificate for certificate in certificates if certificate.status != "ok"],
            precision=timed,
            charts=first_steps(by_precision.get(timed, []), snapshot),
            tables={
                precision: deviation_table(group, snapshot)
                for precision, group in by_precision.items()
            },
            exceptions={
                precision: _exceptions(group, precision, snapshot)
                for precision, group in by_precision.items()
            },
            terms=snapshot.proof,
        )


def _exceptions(
    certificates: Sequence[Certificate], precision: str, snapshot: Snapshot
) -> list[str]:
    """The tolerances that differ for single tasks, in words."""
    names = dict.fromkeys(certificate.claim.task for certificate in certificates)
    tasks = [task for name in names if (task := snapshot.task(name))]
    return [
        f"{task.name}: {', '.join(f'{_words(name)} {value}' for name, value in allowed)}"
        for task in tasks
        if (allowed := task.tolerances.get(precision))
    ]


def _words(tolerance: str) -> str:
    """The name of a tolerance as that of its check."""
    return tolerance.replace("_", " ")


def certificate_page(certificates: Sequence[Certificate], snapshot: Snapshot) -> str:
    """The certificate by itself: the verdict, the first steps' curves, every deviation."""
    return render(
        "verify.html.j2",
        title="Certificate of identity",
        proof=CertificatePart.of(certificates, snapshot),
    )
