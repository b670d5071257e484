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


class Device(BaseModel):
    """What a device can do at most.

    Attributes:
        name: of its file.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field("", description="The file's name by default.")
    description: str = Field("", description="Maker, model, what the figures are of.")
    memory_gb: Positive = Field(description="Memory in 10^9 bytes.")
    bandwidth_gb_per_s: Positive = Field(description="Bytes from and to memory, in 10^9 per second.")
    peak_tflops: Peak = Field(description="Highest rates by dtype.")
    sources: dict[str, str] = Field(default_factory=dict, description="Where each figure is from.")

    def operations_per_second(self, dtype: str) -> float:
        """The highest rate for a dtype.

        Raises:
            ConfigError: if the device has none.
        """
        peak = self.peak_tflops
        rate = max(peak.float32, peak.tf32 or 0) if dtype == "float32" else getattr(peak, dtype)
        if rate is None:
            raise single_problem(f"the device {self.name} has no peak rate for {dtype}", Code.WRONG_VALUE)
        return float(rate) * 1e12

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
    return device
