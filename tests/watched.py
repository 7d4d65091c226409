"""Arrays that refuse the functions which NumPy rounds otherwise on processors with AVX-512, and a generator of such."""

from collections.abc import Callable
from typing import Any

import numpy as np

_REFUSED = {"exp", "exp2", "expm1", "log", "log2", "log10", "log1p", "power", "float_power", "sin", "cos", "tan"}


class Watched(np.ndarray[Any, np.dtype[Any]]):
    """An array of draws, or of what is made of them."""

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, out: Any = None, **more: Any) -> Any:
        """Compute, unless the last bit depends on the processor."""
        assert ufunc.__name__ not in _REFUSED, f"np.{ufunc.__name__} of draws"
        plain = [np.asarray(each) if isinstance(each, Watched) else each for each in inputs]
        into = None if out is None else tuple(map(np.asarray, out))
        made = getattr(ufunc, method)(*plain, out=into, **more)
        return made.view(Watched) if isinstance(made, np.ndarray) else made


class WatchedGenerator:
    """A generator whose draws are watched."""

    def __init__(self) -> None:
        self._rng = np.random.default_rng(1)

    def __getattr__(self, name: str) -> Callable[..., Any]:
        draw = getattr(self._rng, name)
        return lambda *given, **named: draw(*given, **named).view(Watched)
