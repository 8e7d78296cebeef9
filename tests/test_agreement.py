import pytest

from pipeline.agreement import agreement, bootstrap, quadratic_weighted_kappa


def test_kappa_of_perfect_opposite_and_constant_raters() -> None:
    same = [(level, level) for level in range(5)]
    assert quadratic_weighted_kappa(same) == 1.0
    assert quadratic_weighted_kappa([(level, 4 - level) for level in range(5)]) == pytest.approx(-1.0)
    assert quadratic_weighted_kappa([(2, level) for level in range(5)]) is None


def test_kappa_by_hand() -> None:
    pairs = [(0, 0), (0, 1), (4, 4), (4, 3)]
    observed = (0 + 1 + 0 + 1) / 4
    expected = sum((a - b) ** 2 for a, _ in pairs for _, b in pairs) / 16
    assert quadratic_weighted_kappa(pairs) == pytest.approx(1 - observed / expected)


def test_agreement_counts_and_interval() -> None:
    result = agreement([[(0, 0), (1, 3)], [(2, 2)], [(4, 3)], [(1, 1)]])
    assert (result.n, result.exact, result.within_one) == (5, 0.6, 0.8)
    assert result.low is not None
    assert result.qwk is not None
    assert result.high is not None
    assert result.low <= result.qwk <= result.high
    assert agreement([]).qwk is None


def test_bootstrap_repeats_for_a_seed_and_gives_up_on_the_undefined() -> None:
    groups = [[(0, 1)], [(1, 1)], [(3, 2)], [(4, 4)]]
    assert bootstrap(groups, quadratic_weighted_kappa, draws=50, seed=3) == bootstrap(
        groups, quadratic_weighted_kappa, draws=50, seed=3
    )
    assert bootstrap(groups, lambda pairs: None, draws=10, seed=0) == (None, None)
