"""Devices: their peak rates, bandwidth and memory, from YAML files here or of the user's own."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from archlab.config.syntax.files import read_source
from archlab.config.syntax.substitute import substitute
from archlab.config.syntax.yaml_nodes import Mapping, parse
from archlab.config.tree.validation import Places, validate_model
from archlab.diagnostics.codes import Code
from archlab.diagnostics.place import printable
from archlab.diagnostics.problem import ConfigError, Problems, single_problem
from archlab.diagnostics.suggest import closest

FOLDER = Path(__file__).with_name("devices")
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class Peak(BaseModel):
    """Highest rates of arithmetic, in 10^12 operations per second; a multiply-accumulate is two."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    float32: Positive = Field(description="In float32.")
    tf32: Positive | None = Field(None, description="Of float32 convolutions on tensor cores, which cuDNN uses.")
    float16: Positive | None = Field(None, description="In float16.")
    bfloat16: Positive | None = Field(None, description="In bfloat16.")
    int8: Positive | None = Field(None, description="In int8.")


class MacsPerCycle(BaseModel):
    """Highest rates of arithmetic in multiply-accumulates for each cycle of the clock."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    float32: Positive | None = Field(None, description="In float32.")
    float16: Positive | None = Field(None, description="In float16.")
    bfloat16: Positive | None = Field(None, description="In bfloat16.")
    int8: Positive | None = Field(None, description="In int8.")


class Device(BaseModel):
    """What a device can do at most.

    Attributes:
        name: of its file.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field("", description="The file's name by default.")
    description: str = Field("", description="Maker, model, what the figures are of.")
    memory_gb: Positive | None = Field(None, description="Memory in 10^9 bytes.")
    flash_kib: Positive | None = Field(None, description="Memory that keeps weights and program, in 1024 bytes.")
    ram_kib: Positive | None = Field(None, description="Memory of activations, instead of memory_gb.")
    bandwidth_gb_per_s: Positive = Field(description="Bytes from and to memory, in 10^9 per second.")
    clock_mhz: Positive | None = Field(None, description="Cycles in 10^6 per second.")
    macs_per_cycle: MacsPerCycle | None = Field(None, description="Highest rates by dtype, instead of peak_tflops.")
    peak_tflops: Peak | None = Field(None, description="Highest rates by dtype.")
    sources: dict[str, str] = Field(default_factory=dict, description="Where each figure is from.")

    def operations_per_second(self, dtype: str) -> float:
        """The highest rate for a dtype.

        Raises:
            ConfigError: if the device has none.
        """
        peak = self.peak_tflops
        if peak is None:
            macs = getattr(self.macs_per_cycle, dtype)
            rate = None if macs is None else 2 * macs * (self.clock_mhz or 0) * 1e-6
        else:
            rate = max(peak.float32, peak.tf32 or 0) if dtype == "float32" else getattr(peak, dtype)
        if rate is None:
            raise single_problem(f"the device {self.name} has no peak rate for {dtype}", Code.WRONG_VALUE)
        return float(rate) * 1e12

    @property
    def flash(self) -> int | None:
        """Bytes that keep weights and program; None where that is not told."""
        return None if self.flash_kib is None else int(self.flash_kib * 1024)

    @property
    def ram(self) -> int | None:
        """Bytes of memory for activations, where weights are elsewhere; None where that is not told."""
        return None if self.ram_kib is None else int(self.ram_kib * 1024)

    def fault(self) -> str:
        """What is missing or there twice; empty where nothing is."""
        if (self.memory_gb is None) == (self.ram_kib is None):
            return "a device needs 'memory_gb', or 'ram_kib' of a microcontroller"
        if (self.peak_tflops is None) == (self.macs_per_cycle is None):
            return "a device needs 'peak_tflops', or 'macs_per_cycle' with 'clock_mhz'"
        if self.macs_per_cycle is not None and self.clock_mhz is None:
            return "a device with 'macs_per_cycle' needs 'clock_mhz' too"
        return ""

    @property
    def bytes_per_second(self) -> float:
        """From and to memory."""
        return self.bandwidth_gb_per_s * 1e9


def device_names() -> list[str]:
    """The devices that come with archlab."""
    return sorted(path.stem for path in FOLDER.glob("*.yaml"))


def _unknown(target: str) -> ConfigError:
    names = device_names()
    close = closest(target.replace("-", "_"), names)
    hint = f"did you mean '{close}'?" if close else f"there are {', '.join(names)}."
    return single_problem(
        f"'{target}' is no device of archlab's and no file; {hint} Another device is a .yaml file", Code.UNKNOWN
    )


def load_device(target: str) -> Device:
    """A device by its name or file.

    Args:
        target: a name such as `h100`, or the path of a .yaml file.

    Raises:
        ConfigError: if there is none, or the file is wrong.
    """
    if re.fullmatch(r"[A-Za-z0-9_]{1,200}", target):
        path = FOLDER / f"{target.lower()}.yaml"
        if not path.is_file():
            raise _unknown(target)
    else:
        path = Path(target)
        if not path.exists() and path.suffix not in (".yaml", ".yml") and len(path.parts) == 1:
            raise _unknown(target)
    source = read_source(path, shown_as=path.name if path.parent == FOLDER else None)
    problems = Problems()
    root = parse(source, problems)
    problems.raise_if_any()
    if not isinstance(root, Mapping):
        raise single_problem(
            f"{source.name}: a device is a mapping with memory_gb, bandwidth_gb_per_s, ...", Code.WRONG_TYPE
        )
    values = substitute(root, {})
    places = Places.of(root)
    values = {key: printable(value) if isinstance(value, str) else value for key, value in values.items()}
    device = validate_model(Device, "a device", {"name": path.stem, **values}, places, problems, ())
    problems.raise_if_any()
    assert device is not None
    if device.fault():
        raise single_problem(f"{source.name}: {device.fault()}", Code.MISSING)
    return device
