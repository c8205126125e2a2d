"""How a framework computes: device, precision, threads and tuning, as one value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, Literal, TypeVar

Device = Literal["cpu", "cuda"]
# float32 and float64 compute everything in that type. tf32 lets NVIDIA GPUs round the factors of a
# float32 product to 19 bits. bf16 and fp16 are mixed precision: by the framework's own rules,
# products are computed in bfloat16 or float16, and weights and updates stay in float32.
Precision = Literal["float64", "float32", "tf32", "bf16", "fp16"]
# expert: with the settings that the framework's documentation and experience advise for speed.
# default: with the framework's own. Records of schema 1 do not say which: theirs is "untold".
Tuning = Literal["expert", "default", "untold"]

# The machine epsilon of the type that products are computed in.
EPSILONS: Mapping[Precision, float] = {
    "float64": 2.0**-52,
    "float32": 2.0**-23,
    "tf32": 2.0**-10,
    "bf16": 2.0**-7,
    "fp16": 2.0**-10,
}
# The factor by which an fp16 loss is multiplied at first, so that small gradients do not vanish.
# Unless a gradient overflows, every framework's own scaler keeps it for 2000 steps.
LOSS_SCALE = 2.0**10


def storage_dtype(precision: Precision) -> Literal["float32", "float64"]:
    """The type of weights, inputs, losses and updates in a precision."""
    return "float64" if precision == "float64" else "float32"


@dataclass(frozen=True, kw_only=True)
class Setting:
    """How a framework computes. The same for everything that one process does."""

    device: Device = "cpu"
    precision: Precision = "float32"
    threads: int = 1
    tuning: Tuning = "expert"

    def __str__(self) -> str:
        """Device and threads; precision and tuning only where they are not the usual ones."""
        words = [self.device, f"{self.threads} thread{'s' * (self.threads != 1)}"]
        if self.precision != "float32":
            words.append(self.precision)
        if self.tuning != "expert":
            words.append(f"{self.tuning} tuning")
        return " ".join(words)


SETTING_PARTS = tuple(part.name for part in fields(Setting))


def nest_setting(columns: Mapping[str, Any]) -> dict[str, Any]:
    """`columns` with the parts of a setting nested under the key `setting`.

    Records before schema 4, and certificates of that time, have these parts side by side.
    """
    if "setting" in columns:
        return dict(columns)
    others = {name: value for name, value in columns.items() if name not in SETTING_PARTS}
    return {**others, "setting": {part: columns[part] for part in SETTING_PARTS if part in columns}}


InSettingT = TypeVar("InSettingT", bound="InSetting")


@dataclass(frozen=True, kw_only=True)
class InSetting:
    """Base of values that belong to a setting, whose parts can be read as attributes."""

    setting: Setting

    @property
    def device(self) -> Device:
        return self.setting.device

    @property
    def precision(self) -> Precision:
        return self.setting.precision

    @property
    def threads(self) -> int:
        return self.setting.threads

    @property
    def tuning(self) -> Tuning:
        return self.setting.tuning

    def with_setting(self: InSettingT, **changes: Any) -> InSettingT:
        """A copy with some parts of its setting changed."""
        return replace(self, setting=replace(self.setting, **changes))
