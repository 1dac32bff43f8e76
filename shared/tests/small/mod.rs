//! Models and tables of a few rows, for tests and as seeds of fuzzing (`fuzz/`).

use ndarray::{Array1, Array2};
use shared::features::Features;
use shared::models::{Forest, ForestParams, KMeans, KMeansParams, MinMaxScaler, Umap, UmapParams};
use shared::segments::next_step::NextStep;
use shared::tables::{
    SegmentRows, TableWriter, features_batches, segments_batches, segments_schema,
};
use shared::value::{Group, Value};

/// The models of one fit.
pub(crate) struct Models {
    pub(crate) scaler: MinMaxScaler,
    pub(crate) forest: Forest,
    pub(crate) umap: Umap,
    pub(crate) kmeans: KMeans,
    pub(crate) rows: Array2<f64>,
}

pub(crate) fn models() -> Models {
    let rows = Array2::from_shape_fn((24, 4), |(row, column)| {
        ((row * 7 + column * 3) % 23) as f64
    });
    let scaler = MinMaxScaler::fit(rows.view()).unwrap();
    let scaled = scaler.transform(rows.view()).unwrap();
    let target = Array1::from_shape_fn(24, |row| (row * row % 17) as f64);
    let forest = ForestParams {
        trees: 3,
        ..ForestParams::default()
    };
    let forest = forest.fit(scaled.view(), target.view()).unwrap();
    let leaves = forest.leaf_indices(scaled.view()).unwrap();
    let umap = UmapParams {
        n_neighbors: 5,
        epochs: Some(10),
        ..UmapParams::default()
    };
    let umap = umap.fit(leaves.view()).unwrap();
    let points = umap.transform(leaves.view()).unwrap().mapv(f64::from);
    let kmeans = KMeansParams {
        k: 3,
        n_init: 2,
        ..KMeansParams::default()
    };
    let kmeans = kmeans.fit(points.view()).unwrap();
    Models {
        scaler,
        forest,
        umap,
        kmeans,
        rows,
    }
}

pub(crate) fn features() -> Features {
    let n = 12_usize;
    let whole = |i: usize| i as i64;
    Features {
        customer_id: (0..n).map(|i| format!("c{i}")).collect(),
        is_guest: (0..n).map(|i| i % 3 == 0).collect(),
        gross_revenue: (0..n).map(|i| i as f64 * 1.5).collect(),
        recency_days: (0..n).map(whole).collect(),
        quantity_of_products: (0..n).map(|i| whole(i * 2)).collect(),
        returns: vec![1; n],
        frequency: vec![0.25; n],
        value: Value {
            purchases: vec![2; n],
            rfm_recency: vec![1; n],
            rfm_frequency: vec![2; n],
            rfm_monetary: vec![3; n],
            rfm_group: vec![Group::ALL[0]; n],
            p_alive: vec![None; n],
            expected_purchases: vec![Some(0.5); n],
            clv: vec![Some(2.5); n],
        },
    }
}

pub(crate) fn segments() -> SegmentRows {
    let features = features();
    let n = features.len();
    SegmentRows {
        features,
        embedding_x: vec![0.5; n],
        embedding_y: vec![1.5; n],
        label: vec![1; n],
        segment: vec!["Segment 1".to_owned(); n],
        next_step: vec![NextStep::default(); n],
    }
}

pub(crate) fn features_table() -> Vec<u8> {
    let features = features();
    let (schema, batches) = features_batches(&features, 0..features.len());
    let mut table = TableWriter::new(Vec::new(), schema).unwrap();
    for batch in batches {
        table.write(&batch.unwrap()).unwrap();
    }
    table.finish().unwrap().0
}

pub(crate) fn segments_table(rows: &SegmentRows) -> Vec<u8> {
    let mut table = TableWriter::new(Vec::new(), segments_schema()).unwrap();
    for batch in segments_batches(rows) {
        table.write(&batch.unwrap()).unwrap();
    }
    table.finish().unwrap().0
}
