use ndarray::{Array1, Array2, array};

use super::Separation;

/// A table by a rule; the figures of the same table are scikit-learn 1.9.1's
/// `davies_bouldin_score` and `calinski_harabasz_score`.
fn table() -> Array2<f64> {
    Array2::from_shape_fn((40, 3), |(i, column)| {
        let value = match column {
            0 => i * 37 % 23 + i % 4 * 11,
            1 => return (i * i * 5 % 17) as f64 - (i % 3 * 4) as f64,
            _ => i * 13 % 7,
        };
        value as f64 * if column == 2 { 0.5 } else { 1.0 }
    })
}

fn close(found: Option<f64>, expected: f64) {
    let found = found.unwrap();
    assert!(
        (found / expected - 1.0).abs() < 1e-12,
        "{found} is not {expected}"
    );
}

fn of(points: &Array2<f64>, labels: &Array1<u32>) -> Separation {
    Separation::of(points.view(), labels.view()).unwrap()
}

#[test]
fn as_scikit_learn_says() {
    let points = table();
    let even = of(&points, &Array1::from_shape_fn(40, |i| i as u32 % 4));
    close(even.davies_bouldin(), 1.448_410_861_869_601);
    close(even.calinski_harabasz(), 26.679_033_328_907_185);
    close(Some(even.inertia()), 2_824.125);
    assert_eq!(
        (even.groups(), even.smallest(), even.largest()),
        (4, 10, 10)
    );

    // labels 0, 1 and 4: the numbers between have no points
    let squares = of(&points, &Array1::from_shape_fn(40, |i| (i * i % 5) as u32));
    close(squares.davies_bouldin(), 4.323_650_256_664_527);
    close(squares.calinski_harabasz(), 1.813_082_565_625_801);
    assert_eq!(squares.groups(), 3);
}

#[test]
fn a_group_of_one_has_no_radius() {
    let label = |i| if i == 7 { 0 } else { 1 + i as u32 % 2 };
    let found = of(&table(), &Array1::from_shape_fn(40, label));
    close(found.davies_bouldin(), 2.201_962_587_397_618_5);
    close(found.calinski_harabasz(), 3.083_312_534_691_925);
    assert_eq!(found.smallest(), 1);
}

#[test]
fn one_group_or_a_group_a_point_has_no_index() {
    let points = array![[0.0], [1.0], [4.0]];
    for labels in [array![5, 5, 5], array![0, 1, 2]] {
        let found = of(&points, &labels);
        assert_eq!(found.davies_bouldin(), None);
        assert_eq!(found.calinski_harabasz(), None);
    }
    assert_eq!(of(&points, &array![0, 1, 2]).inertia(), 0.0);
    assert_eq!(of(&Array2::zeros((0, 2)), &array![]).davies_bouldin(), None);
}

#[test]
fn identical_points_have_no_index_and_no_nan() {
    let found = of(&Array2::from_elem((6, 2), 3.5), &array![0, 0, 0, 1, 1, 1]);
    assert_eq!(found.davies_bouldin(), None, "the centroids coincide");
    assert_eq!(found.calinski_harabasz(), None);
    assert_eq!(found.inertia(), 0.0);
    // apart, but without scatter: perfectly compact, and no ratio of variances
    let apart = of(&array![[0.0], [0.0], [2.0], [2.0]], &array![0, 0, 1, 1]);
    assert_eq!(apart.davies_bouldin(), Some(0.0));
    assert_eq!(apart.calinski_harabasz(), None);
}

#[test]
fn what_cannot_be_measured_is_refused() {
    let labels = array![0, 1];
    assert!(Separation::of(array![[0.0]].view(), labels.view()).is_err());
    let points = array![[0.0], [f64::NAN]];
    assert!(Separation::of(points.view(), labels.view()).is_err());
}
