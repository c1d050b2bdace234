"""Compiles the planner's inner loops with numba, and keeps what was compiled for the next start.

`python -m optimizer.warm_up` compiles everything once (set-up does this), so that no plan waits for a compiler.

numba itself looks only at a kernel's own file, so a cache would outlive a change in what the kernel calls; therefore
the cache's folder is named after the contents of all kernels.

Invariant: a folder that cannot be written costs time, never an answer: where numba finds no place for its cache, the
loops are compiled in memory. No kernel uses numba's own threads, whose default layer must not be entered twice; kernels
release the interpreter's lock, and `houses_in_parallel` gives each thread houses of its own.
"""

import hashlib
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from typing import Any, cast

import numba

HERE = Path(__file__).parent
KERNELS = (
    "compiled.py", "kernels.py", "programme.py", "few_changes.py", "bound.py", "bound_along_modes.py", "choice.py"
)  # fmt: skip


def _cache_folder() -> str:
    contents = hashlib.sha256(b"".join((HERE / name).read_bytes() for name in KERNELS)).hexdigest()[:12]
    return str(Path(os.environ.get("NUMBA_CACHE_DIR", HERE / "__pycache__")) / f"kernels-{contents}")


numba.config.CACHE_DIR = _cache_folder()  # type: ignore[attr-defined]


def compiled[F: Callable[..., Any]](function: F) -> F:
    """The function as machine code, without the interpreter's lock; cached on disk where that is possible."""
    return _compile(function)


def compiled_loosely[F: Callable[..., Any]](function: F) -> F:
    """As `compiled`, free to reorder sums and blind to NaN, which is what lets loops over a grid use vectors.

    Only for what is looked into and never claimed.
    """
    return _compile(function, fastmath=True)


def compiled_to_compare[F: Callable[..., Any]](function: F) -> F:
    """As `compiled`, for numbers known not to be NaN; a product and a sum may be rounded once instead of twice."""
    return _compile(function, fastmath={"nnan", "nsz", "contract"})


def compiled_to_sum[F: Callable[..., Any]](function: F) -> F:
    """As `compiled`, free to add up in any order."""
    return _compile(function, fastmath={"reassoc"})


def _compile[F: Callable[..., Any]](function: F, **given: Any) -> F:
    options = {"nogil": True, "error_model": "numpy", **given}
    try:
        return cast("F", numba.njit(cache=True, **options)(function))
    except RuntimeError:  # numba found no folder it may write its cache to
        return cast("F", numba.njit(**options)(function))


@cache
def cores() -> int:
    """Cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def in_parallel(jobs: list[Callable[[], None]]) -> None:
    """Run jobs on all cores; the first error is raised. Jobs must write to places of their own."""
    if len(jobs) <= 1 or cores() == 1:
        for job in jobs:
            job()
        return
    with ThreadPoolExecutor(max_workers=cores(), thread_name_prefix="planner") as pool:
        for done in [pool.submit(job) for job in jobs]:
            done.result()
