"""The error of a coefficient with few clusters: by algebra, by what was published, and by the definition."""

import numpy as np
import pytest

from savings.clustered import Array, Clusters, FirstCoefficient, first_coefficient


def unbalanced(seed: int = 4) -> tuple[Array, Clusters]:
    """Seven clusters of two to thirteen rows, three columns, the first of them hardly within the smaller clusters."""
    chance = np.random.default_rng(seed)
    cluster = np.repeat(np.arange(7), (2, 3, 3, 5, 8, 12, 13))
    treated = (chance.random(len(cluster)) < 0.2 + 0.05 * cluster).astype(float)
    return np.column_stack([treated, chance.standard_normal((len(cluster), 2))]), cluster


def swept(columns: Array, cluster: Clusters) -> Array:
    means = np.array([columns[cluster == g].mean(axis=0) for g in range(cluster.max() + 1)])
    return np.asarray(columns - means[cluster])


def dummies(cluster: Clusters) -> Array:
    return np.asarray(cluster[:, None] == np.arange(cluster.max() + 1), dtype=float)


def by_definition(design: Array, cluster: Clusters) -> tuple[Array, Array]:
    """The whole residual maker (rows, rows), and columns A_g X_g M c, zero outside their cluster (rows, clusters)."""
    inverse = np.linalg.pinv(design.T @ design)
    maker = np.eye(len(design)) - design @ inverse @ design.T
    reaches = np.zeros((len(design), cluster.max() + 1))
    for g in range(cluster.max() + 1):
        mine = cluster == g
        left, values, _ = np.linalg.svd(maker[np.ix_(mine, mine)])
        roots = np.array([value**-0.5 if value > 1e-9 else 0.0 for value in values])
        reaches[mine, g] = left @ np.diag(roots) @ left.T @ design[mine] @ inverse[:, 0]
    return maker, reaches


def expected_variance(found: FirstCoefficient) -> float:
    """E[V] of errors that are alike and independent with variance 1: the sum of |(I - H) A_g X_g M c|^2."""
    design, clusters = found.design, found.cluster.max() + 1
    reaches = np.where(found.cluster[:, None] == np.arange(clusters), found.reach[:, None], 0.0)
    seen = reaches - design @ found.inverse @ (design.T @ reaches)
    return float(np.sum(seen**2))


@pytest.mark.parametrize("is_swept", [False, True], ids=["a common mean", "a mean of each cluster"])
def test_the_expected_variance_is_the_true_one_exactly_where_errors_are_alike_and_independent(is_swept: bool) -> None:
    columns, cluster = unbalanced()
    design = swept(columns, cluster) if is_swept else np.column_stack([columns, np.ones(len(cluster))])
    found = first_coefficient(design, cluster)
    true_variance = np.linalg.inv(design.T @ design)[0, 0]
    assert expected_variance(found) == pytest.approx(true_variance, rel=1e-9)


def test_a_mean_of_each_cluster_may_be_swept_out_or_be_columns_of_the_design() -> None:
    columns, cluster = unbalanced()
    outcome = np.random.default_rng(5).standard_normal(len(cluster))
    whole = first_coefficient(np.column_stack([columns, dummies(cluster)]), cluster)
    within = first_coefficient(swept(columns, cluster), cluster)
    assert within.of(swept(outcome[:, None], cluster)[:, 0]) == pytest.approx(whole.of(outcome), rel=1e-9)
    assert within.degrees_of_freedom == pytest.approx(whole.degrees_of_freedom, rel=1e-9)


def test_error_and_degrees_of_freedom_are_those_of_the_definition() -> None:
    columns, cluster = unbalanced()
    outcome = np.random.default_rng(6).standard_normal(len(cluster))
    shuffled = np.random.default_rng(7).permutation(len(cluster))
    design, cluster = np.column_stack([columns, np.ones(len(cluster))])[shuffled], cluster[shuffled]
    maker, reaches = by_definition(design, cluster)
    estimate, error = first_coefficient(design, cluster).of(outcome)
    assert estimate == pytest.approx(np.linalg.lstsq(design, outcome)[0][0])
    assert error**2 == pytest.approx(np.sum((reaches.T @ maker @ outcome) ** 2))
    squares = np.linalg.eigvalsh(maker @ reaches @ reaches.T @ maker)
    assert first_coefficient(design, cluster).degrees_of_freedom == pytest.approx(
        squares.sum() ** 2 / np.sum(squares**2)
    )


@pytest.mark.parametrize(("treated", "others"), [(3, 27), (15, 15), (5, 95)])
def test_two_groups_of_single_rows_have_the_error_and_degrees_of_freedom_of_the_formula(
    treated: int, others: int
) -> None:
    """Imbens and Kolesar, "Robust standard errors in small samples: some practical advice", 2016."""
    rows = treated + others
    in_group = np.repeat([1.0, 0.0], (treated, others))
    outcome = np.random.default_rng(8).standard_normal(rows)
    found = first_coefficient(np.column_stack([in_group, np.ones(rows)]), np.arange(rows))
    one, other = outcome[:treated], outcome[treated:]
    assert found.of(outcome) == pytest.approx(
        (one.mean() - other.mean(), np.sqrt(one.var(ddof=1) / treated + other.var(ddof=1) / others))
    )
    assert found.degrees_of_freedom == pytest.approx(
        rows**2 * (treated - 1) * (others - 1) / (treated**2 * (treated - 1) + others**2 * (others - 1))
    )


def test_figures_are_those_of_the_package_of_imbens_and_kolesar() -> None:
    """What the tests of R's dfadjust expect: single rows, and clusters with a mean each of which only two know both."""
    n = np.arange(1.0, 11.0)
    columns = [np.ones(10), np.sin(n), np.sin(n + 1)]
    for first, published in enumerate((4.94624731, 3.90754737, 4.77265484)):
        turned = np.column_stack(columns[first:] + columns[:first])
        assert first_coefficient(turned, np.arange(10)).degrees_of_freedom == pytest.approx(published, abs=1e-8)
    cluster = np.repeat([0, 1, 2], (6, 2, 2))
    treated = np.array([1.0] * 4 + [0.0] * 5 + [1.0])
    found = first_coefficient(np.column_stack([treated, dummies(cluster)]), cluster)
    estimate, error = found.of(np.tan(n))
    assert (round(estimate, 2), round(error, 4), round(found.degrees_of_freedom, 6)) == (1.71, 0.3705, 1.0)


def test_a_column_that_others_make_up_and_a_direction_that_is_fitted_wholly_change_nothing() -> None:
    columns, cluster = unbalanced()
    outcome = np.random.default_rng(9).standard_normal(len(cluster))
    only_here = (np.arange(len(cluster)) == 20).astype(float)  # the fit follows this row wherever it goes
    design = np.column_stack([columns, np.ones(len(cluster)), only_here])
    found = first_coefficient(design, cluster)
    moved = outcome + 1e3 * only_here
    assert found.of(moved) == pytest.approx(found.of(outcome))
    twice = first_coefficient(np.column_stack([design, columns[:, 1] + columns[:, 2]]), cluster)
    assert twice.of(outcome) == pytest.approx(found.of(outcome))
    assert twice.degrees_of_freedom == pytest.approx(found.degrees_of_freedom)
