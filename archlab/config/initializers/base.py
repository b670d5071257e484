"""What an initialiser is."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

from pydantic import BaseModel, ConfigDict, Field

Finite = Annotated[float, Field(allow_inf_nan=False)]


class Initializer(BaseModel):
    """A function of `torch.nn.init` and its options."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, defer_build=True)
    type: ClassVar[str]
    needs_matrix: ClassVar[bool] = False
    """Whether it needs a tensor of at least two dimensions."""

    def options(self) -> dict[str, Any]:
        """Keyword arguments for the function."""
        return {name: getattr(self, name) for name in type(self).model_fields}
