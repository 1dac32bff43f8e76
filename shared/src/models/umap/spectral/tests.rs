use super::*;
use ndarray::Array2;

/// Rings of the given sizes, one component each.
fn rings(sizes: &[u32]) -> Graph {
    let mut rows = Vec::new();
    let mut first = 0;
    for &n in sizes {
        for i in 0..n {
            let mut ends = vec![first + (i + 1) % n, first + (i + n - 1) % n];
            ends.sort_unstable();
            ends.dedup();
            rows.push(ends.into_iter().map(|end| (end, 1.0)).collect());
        }
        first += n;
    }
    Graph::from_rows(rows.into_iter())
}

#[test]
fn a_path_is_laid_out_in_its_order() {
    let edges = |i: u32| {
        [i.wrapping_sub(1), i + 1]
            .into_iter()
            .filter(|&end| end < 40)
    };
    let rows = (0..40).map(|i| edges(i).map(|end| (end, 1.0)).collect());
    let leaves = Array2::zeros((40, 1));
    let points: Vec<Point<2>> = initial(&Graph::from_rows(rows), leaves.view(), 1);
    let rises = points
        .windows(2)
        .filter(|pair| pair[0][0] < pair[1][0])
        .count();
    assert!(!(3..=36).contains(&rises), "{rises}");
    assert!(points.iter().flatten().all(|v| (0.0..=10.0).contains(v)));
}

#[test]
fn components_lie_side_by_side() {
    for sizes in [&[20, 20][..], &[20, 30, 2, 9, 15, 12, 8]] {
        let n: u32 = sizes.iter().sum();
        let leaves = Array2::from_shape_fn((n as usize, 2), |(i, t)| (i * (t + 1)) as u32);
        let points: Vec<Point<2>> = initial(&rings(sizes), leaves.view(), 1);
        let mut rest = points.as_slice();
        let mut centres = Vec::new();
        for &size in sizes {
            let (own, others) = rest.split_at(size as usize);
            let mean = |d: usize| own.iter().map(|p| p[d]).sum::<f64>() / own.len() as f64;
            centres.push([mean(0), mean(1)]);
            rest = others;
        }
        for (i, p) in centres.iter().enumerate() {
            assert!(
                centres[..i].iter().all(|q| distance(p, q) > 0.1),
                "{centres:?}"
            );
        }
    }
}

#[test]
fn vertices_without_edges_get_finite_points() {
    let graph = Graph::from_rows(std::iter::repeat_n(Vec::new(), 30));
    let leaves = Array2::from_shape_fn((30, 2), |(i, _)| i as u32);
    let points: Vec<Point<2>> = initial(&graph, leaves.view(), 1);
    assert!(points.iter().flatten().all(|v| v.is_finite()));
}
