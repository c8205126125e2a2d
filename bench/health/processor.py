"""Checks of the processor: its cores, frequencies, clock, and whether it is a virtual one."""

from __future__ import annotations

from dataclasses import dataclass

from bench.core.telemetry import number_of, text_of
from bench.health.check import Examined, HealthCheck, Verdict
from bench.launch.machine import flags_of
from bench.worker.cores import affinity

_FREQUENCIES = "cpu/cpu{core}/cpufreq/{name}"
# Cores may be held below their own maximum, such as by a power plan; from here on it matters.
_CAPPED, _FAR_CAPPED = 0.95, 0.6
# The clocks that a program reads without a system call, on bare metal, on Arm and in guests.
_GOOD_CLOCKS = ("tsc", "arch_sys_counter", "kvm-clock", "hyperv_clocksource_tsc_page")
_SLOW_CLOCKS = ("hpet", "acpi_pm", "jiffies", "refined-jiffies")
# Words in the names of virtual products, for processors without a flag for it.
_VIRTUAL = ("virtual", "vmware", "kvm", "qemu", "standard pc", "openstack", "hvm", "compute engine")


@dataclass(frozen=True, kw_only=True)
class CoresInUse:
    """A run's threads, and the cores that it may use."""

    threads: int
    logical: int
    physical: int
    quota: float | None

    def verdict(self) -> Verdict:
        """More threads than time for them wait for each other at every step."""
        if self.threads > self.logical or (self.quota is not None and self.quota < self.threads):
            return "bad"
        # All threads of a framework, helpers too, share the quota, and stop when it is used up.
        return "mind" if self.threads > self.physical or self.quota is not None else "good"

    def __str__(self) -> str:
        threads = "1 thread" if self.threads == 1 else f"{self.threads} threads"
        cores = f"{threads} on {self.physical} cores"
        if self.logical > self.physical:
            cores += f" ({self.logical} hyperthreads)"
        return cores if self.quota is None else f"{cores}, of whose time {self.quota:g} may be used"


@dataclass(frozen=True, kw_only=True)
class Frequencies:
    """The lowest and highest frequency of the cores now, and the highest allowed and possible."""

    now_low: float
    now_high: float
    allowed: float
    possible: float

    def verdict(self) -> Verdict:
        """An idle core may be slow, but one that may not reach its maximum stays slow."""
        share = self.allowed / self.possible
        return "bad" if share < _FAR_CAPPED else "mind" if share < _CAPPED else "good"

    def __str__(self) -> str:
        now = f"{self.now_low:,.0f} to {self.now_high:,.0f} MHz now"
        limit = f"at most {self.allowed:,.0f} MHz"
        return f"{now}, {limit}" + (f" of {self.possible:,.0f}" * (self.allowed < self.possible))


def _cores(machine: Examined) -> CoresInUse:
    cores = machine.cores
    return CoresInUse(
        threads=machine.threads,
        logical=cores.logical,
        physical=cores.physical,
        quota=cores.quota,
    )


def _smt(machine: Examined) -> bool | None:
    active = number_of(machine.system("cpu/smt/active"))
    return None if active is None else bool(active)


def _texts(machine: Examined, name: str) -> set[str]:
    """What a file says for each core that may be used; empty where there is none."""
    files = (machine.system(_FREQUENCIES.format(core=core, name=name)) for core in affinity())
    return {text for file in files if (text := text_of(file))}


def _governors(machine: Examined) -> str | None:
    return ", ".join(sorted(_texts(machine, "scaling_governor"))) or None


def _judge_governor(governors: str) -> Verdict:
    return "good" if governors == "performance" else "mind"


def _turbo(machine: Examined) -> bool | None:
    boost = number_of(machine.system("cpu/cpufreq/boost"))
    off = number_of(machine.system("cpu/intel_pstate/no_turbo"))
    if boost is None and off is None:
        return None
    return bool(boost) if boost is not None else not off


def _frequencies(machine: Examined) -> Frequencies | None:
    now, allowed, possible = (
        [int(text) / 1e3 for text in _texts(machine, name)]
        for name in ("scaling_cur_freq", "scaling_max_freq", "cpuinfo_max_freq")
    )
    if not (now and allowed and possible):
        return None
    return Frequencies(
        now_low=min(now), now_high=max(now), allowed=min(allowed), possible=max(possible)
    )


def _clock_source(machine: Examined) -> str | None:
    return text_of(machine.system("clocksource/clocksource0/current_clocksource"))


def _judge_clock(source: str) -> Verdict:
    return "good" if source in _GOOD_CLOCKS else "bad" if source in _SLOW_CLOCKS else "mind"


def _virtual(machine: Examined) -> str | None:
    """What this is a guest of, "" for a machine of its own."""
    dmi = machine.root / "sys/class/dmi/id"
    product = text_of(dmi / "product_name") or ""
    hypervisor = text_of(machine.root / "sys/hypervisor/type") or ""
    flags = flags_of(text_of(machine.root / "proc/cpuinfo") or "")
    if "hypervisor" in flags or hypervisor or any(word in product.lower() for word in _VIRTUAL):
        return product or hypervisor or "a hypervisor that does not tell its name"
    return "" if flags or product else None


def _huge_pages(machine: Examined) -> str | None:
    choices = text_of(machine.root / "sys/kernel/mm/transparent_hugepage/enabled") or ""
    return choices.partition("[")[2].partition("]")[0] or None


CORES = HealthCheck(
    name="threads",
    find=_cores,
    judge=CoresInUse.verdict,
    unit="cores",
    remedy="lift the container's limit, or use fewer threads: `framebench run --threads 1`",
)
HYPERTHREADS = HealthCheck(
    name="hyperthreads",
    find=_smt,
    judge=lambda active: "good",  # a run takes one thread a core: `threads` is about more
    show=lambda active: "on; a run uses one a core" if active else "off",
    remedy="",
)
GOVERNOR = HealthCheck(
    name="governor",
    find=_governors,
    judge=_judge_governor,
    remedy="`echo performance | sudo tee /sys/devices/system/cpu/cpu*/cpufreq/scaling_governor`",
)
TURBO = HealthCheck(
    name="turbo",
    find=_turbo,
    judge=lambda on: "mind" if on else "good",
    show=lambda on: "on: the pace depends on heat and on how many cores work" if on else "off",
    remedy="`echo 0 | sudo tee /sys/devices/system/cpu/cpufreq/boost`, or "
    "`echo 1 | sudo tee /sys/devices/system/cpu/intel_pstate/no_turbo`",
)
FREQUENCY = HealthCheck(
    name="frequency",
    find=_frequencies,
    judge=Frequencies.verdict,
    unit="MHz",
    remedy="choose another power plan, or plug in the mains; the limit is in "
    "`cat /sys/devices/system/cpu/cpu0/cpufreq/scaling_max_freq`",
)
CLOCK_SOURCE = HealthCheck(
    name="clock source",
    find=_clock_source,
    judge=_judge_clock,
    remedy="reading this clock is slow: see whether the kernel distrusts a better one, "
    "`cat /sys/devices/system/clocksource/clocksource0/available_clocksource`",
)
VIRTUALISATION = HealthCheck(
    name="virtualisation",
    find=_virtual,
    judge=lambda guest: "mind" if guest else "good",
    show=lambda guest: f"a guest of {guest}" if guest else "none",
    remedy="a host moves its guests about, and processes vary more: take more blocks, "
    "`framebench run --until 2% --budget 30m`",
)
HUGE_PAGES = HealthCheck(
    name="huge pages",
    find=_huge_pages,
    judge=lambda choice: "mind" if choice == "never" else "good",
    remedy="`echo madvise | sudo tee /sys/kernel/mm/transparent_hugepage/enabled`",
)
CHECKS = (
    *(CORES, HYPERTHREADS, GOVERNOR, TURBO, FREQUENCY, CLOCK_SOURCE, VIRTUALISATION, HUGE_PAGES),
)
