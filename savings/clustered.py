"""A regression's first coefficient and its error where rows of a cluster resemble each other (CR2).

Protects: the error is neither too small nor too large where clusters are few. The usual clustered variance (CR1) is
too small, since residuals are smaller than errors where a cluster pulls the fit towards itself; leaving out one cluster
at a time (the jackknife, CR3) overshoots. CR2 (Bell and McCaffrey, "Bias reduction in standard errors for linear
regression with multi-stage samples", 2002) gives the residuals e_g = y_g - X_g b of each cluster back what the fit took
out of them, were all errors alike and independent:

    V = sum_g (c' M X_g' A_g e_g)^2,   M = (X'X)^-1,   A_g = (I - X_g M X_g')^(-1/2)

Then E[V] is the true variance exactly, whatever the design. V is a sum of few squares, no chi-square of clusters - 1;
its degrees of freedom are Satterthwaite's under the same errors, (tr Q)^2 / tr(Q^2) with Q_gh = p_g' p_h and
p_g = (I - H)_g' A_g X_g M c (Pustejovsky and Tipton, "Small-sample methods for cluster-robust variance estimation and
hypothesis testing in fixed effects models", 2018, whose inverse root is the Moore-Penrose one: a mean of the cluster
that was swept out of all columns takes nothing from it).
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
Clusters = npt.NDArray[np.intp]

NO_SHARE = 1e-9
"""Of a direction of a cluster's residuals that the fit follows wholly, up to rounding: it tells nothing."""
SINGULAR = 1e-12
"""Of the greatest eigenvalue of X'X: columns that others make up."""


@dataclass(frozen=True)
class FirstCoefficient:
    """The first coefficient of a least-squares fit to a design (rows, k), for any outcome (rows,)."""

    design: Array
    cluster: Clusters
    """Of each row, 0 to clusters - 1."""
    inverse: Array
    """M, (k, k)."""
    reach: Array
    """A_g X_g M c of each row's cluster, one after the other: (rows,)."""
    degrees_of_freedom: float

    def of(self, outcome: Array) -> tuple[float, float]:
        """The coefficient and its standard error, in the outcome's unit."""
        coefficients = self.inverse @ (self.design.T @ outcome)
        residuals = outcome - self.design @ coefficients
        by_cluster = np.bincount(self.cluster, self.reach * residuals)
        return float(coefficients[0]), float(np.linalg.norm(by_cluster))


def first_coefficient(design: Array, cluster: Clusters) -> FirstCoefficient:
    """Everything about the first column (rows, k) that does not depend on the outcome.

    Where each cluster has an effect of its own, sweep it out of design and outcome before.
    """
    inverse = np.linalg.pinv(design.T @ design, rcond=SINGULAR, hermitian=True)
    weights = design @ inverse[0]
    clusters = int(cluster.max()) + 1
    order = np.argsort(cluster, kind="stable")
    reach = np.empty(len(design))
    seen = np.empty((clusters, design.shape[1]))
    """X_g' A_g X_g M c of each cluster."""
    squares = np.empty(clusters)
    for g, mine in enumerate(np.split(order, np.cumsum(np.bincount(cluster))[:-1])):
        rows = design[mine]
        values, vectors = np.linalg.eigh(np.eye(len(mine)) - rows @ inverse @ rows.T)
        root = np.where(values > NO_SHARE, 1 / np.sqrt(np.maximum(values, NO_SHARE)), 0.0)
        reach[mine] = vectors @ (root * (vectors.T @ weights[mine]))
        seen[g] = rows.T @ reach[mine]
        squares[g] = reach[mine] @ reach[mine]
    # Q is diag(squares) - seen M seen', as large as there are clusters; its traces need matrices of (k, k) only.
    taken = seen @ inverse
    product = taken.T @ seen
    trace = squares.sum() - np.trace(product)
    trace_of_square = squares @ squares - 2 * squares @ np.sum(taken * seen, axis=1) + np.sum(product * product.T)
    return FirstCoefficient(design, cluster, inverse, reach, float(trace**2 / trace_of_square))
