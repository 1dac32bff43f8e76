use std::collections::{BTreeMap, HashMap};

use safetensors::tensor::{Dtype, TensorView, serialize};
use serde_json::{Value, json};

use super::*;

type Arrays = Vec<(&'static str, Dtype, Vec<usize>, Vec<u8>)>;

fn f64s(
    name: &'static str,
    shape: &[usize],
    v: &[f64],
) -> (&'static str, Dtype, Vec<usize>, Vec<u8>) {
    let bytes = v.iter().flat_map(|v| v.to_le_bytes()).collect();
    (name, Dtype::F64, shape.to_vec(), bytes)
}

fn u32s(
    name: &'static str,
    shape: &[usize],
    v: &[u32],
) -> (&'static str, Dtype, Vec<usize>, Vec<u8>) {
    let bytes = v.iter().flat_map(|v| v.to_le_bytes()).collect();
    (name, Dtype::U32, shape.to_vec(), bytes)
}

fn file(arrays: &Arrays) -> Vec<u8> {
    let header = HashMap::from([("insiders".to_owned(), "{}".to_owned())]);
    let views = arrays.iter().map(|(name, dtype, shape, bytes)| {
        (
            *name,
            TensorView::new(*dtype, shape.clone(), bytes).unwrap(),
        )
    });
    serialize(views.collect::<Vec<_>>(), Some(header)).unwrap()
}

/// Two stumps on recency, six customers of which three are recent, who spend more.
fn folder() -> BTreeMap<String, Vec<u8>> {
    let feature = [0_i16, -1, -1, 0, -1, -1];
    let feature = feature.iter().flat_map(|v| v.to_le_bytes()).collect();
    let points = [
        0.0_f32, 0.0, 0.1, 0.0, 0.0, 0.1, 9.0, 9.0, 9.1, 9.0, 9.0, 9.1,
    ];
    let points = points.iter().flat_map(|v| v.to_le_bytes()).collect();
    BTreeMap::from([
        (
            SCALER.to_owned(),
            file(&vec![
                f64s("scale", &[4], &[0.01; 4]),
                f64s("offset", &[4], &[0.0; 4]),
            ]),
        ),
        (
            FOREST.to_owned(),
            file(&vec![
                u32s("starts", &[3], &[0, 3, 6]),
                ("feature", Dtype::I16, vec![6], feature),
                f64s("threshold", &[6], &[0.5, 0.0, 0.0, 0.4, 0.0, 0.0]),
                u32s("right", &[6], &[2, 0, 0, 2, 0, 0]),
                f64s("value", &[6], &[0.5, 0.1, 0.9, 0.5, 0.2, 0.8]),
            ]),
        ),
        (
            UMAP.to_owned(),
            file(&vec![
                u32s("leaves", &[6, 2], &[1, 1, 1, 1, 1, 1, 2, 2, 2, 2, 2, 2]),
                ("embedding", Dtype::F32, vec![6, 2], points),
            ]),
        ),
        (
            KMEANS.to_owned(),
            file(&vec![
                f64s("centroids", &[2, 2], &[0.0, 0.0, 9.0, 9.0]),
                f64s("inertia", &[1], &[0.04]),
            ]),
        ),
    ])
}

fn description(files: &BTreeMap<String, Vec<u8>>) -> Value {
    let digests: BTreeMap<_, _> = files.iter().map(|(n, b)| (n, sha256(b))).collect();
    json!({
        "schema_version": 1,
        "features": FEATURES,
        "target": TARGET,
        "umap": {"metric": "hamming", "n_neighbors": 3, "min_dist": 0.1, "a": 1.577, "b": 0.895, "seed": 42},
        "versions": {"sklearn": "1.9.1"},
        "files": digests,
    })
}

fn read(files: &BTreeMap<String, Vec<u8>>) -> Result<Imported> {
    Imported::read(description(files).to_string().as_bytes(), files)
}

fn refused(files: &BTreeMap<String, Vec<u8>>, description: &Value) -> String {
    let read = Imported::read(description.to_string().as_bytes(), files);
    read.unwrap_err().to_string()
}

#[test]
fn a_folder_becomes_a_bundle_with_the_spenders_first() {
    let bundle = read(&folder())
        .unwrap()
        .into_bundle(&Settings::default(), 0)
        .unwrap();
    let x = ndarray::array![
        [10.0, 0.0, 0.0, 0.0],
        [45.0, 0.0, 0.0, 0.0],
        [90.0, 0.0, 0.0, 0.0]
    ];
    let scaled = bundle.scaler.transform(x.view()).unwrap();
    let leaves = bundle.forest.leaf_indices(scaled.view()).unwrap();
    assert_eq!(leaves, ndarray::array![[1, 1], [1, 2], [2, 2]]);
    // The exported k-means numbers the spenders 1; here they are the first segment.
    assert_eq!(bundle.kmeans.centroids()[[0, 0]], 9.0);
    let segments = &bundle.manifest.segments;
    assert_eq!((segments[0].id, segments[0].name.as_str()), (1, "Insiders"));
    assert_eq!(
        (segments[1].id, segments[1].name.as_str()),
        (0, "Segment 0")
    );
    let beside = read(&folder()).unwrap();
    let beside = beside.into_bundle(&Settings::default(), 11).unwrap();
    assert_eq!(beside.manifest.segments[1].id, 11);
    assert_eq!(bundle.manifest.embedding.trees, 2);
    assert_eq!(bundle.manifest.clustering.k, 2);
}

#[test]
fn without_a_kmeans_one_is_fitted_by_the_settings() {
    let mut files = folder();
    files.remove(KMEANS);
    let settings = Settings::parse("[clustering]\nk = 2\nn_init = 5", "t").unwrap();
    let bundle = read(&files).unwrap().into_bundle(&settings, 0).unwrap();
    assert_eq!(bundle.kmeans.centroids().nrows(), 2);
    // Other settings make other clusters, so another version; the same make the same.
    let other = Settings::parse("[clustering]\nk = 3\nn_init = 5", "t").unwrap();
    let version = |settings| read(&files).unwrap().version(settings).unwrap();
    assert_eq!(bundle.manifest.version, version(&settings.clustering));
    assert_ne!(bundle.manifest.version, version(&other.clustering));
}

#[test]
fn a_missing_file_is_named() {
    let mut files = folder();
    let listed = description(&files);
    files.remove(FOREST);
    assert!(refused(&files, &listed).contains("forest.safetensors does not exist"));
    assert!(refused(&files, &description(&files)).contains("does not list forest.safetensors"));
}

#[test]
fn a_changed_file_is_refused_by_its_digest() {
    let mut files = folder();
    let listed = description(&files);
    files.get_mut(UMAP).unwrap().push(0);
    let error = refused(&files, &listed);
    assert!(
        error.contains("umap.safetensors") && error.contains("SHA-256"),
        "{error}"
    );
}

#[test]
fn a_wrong_shape_is_named() {
    let mut files = folder();
    let scale = file(&vec![
        f64s("scale", &[3], &[1.0; 3]),
        f64s("offset", &[3], &[0.0; 3]),
    ]);
    files.insert(SCALER.to_owned(), scale);
    let error = refused(&files, &description(&files));
    assert!(
        error.contains("scaler.safetensors") && error.contains("[3]"),
        "{error}"
    );
}

#[test]
fn other_features_and_other_versions_are_refused() {
    let files = folder();
    let mut other = description(&files);
    other["features"] = json!(["age"]);
    assert!(refused(&files, &other).contains("age"));
    let mut other = description(&files);
    other["schema_version"] = json!(9);
    assert!(refused(&files, &other).contains("schema version is 9"));
}
