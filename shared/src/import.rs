//! Models that were fitted elsewhere: the folder that `tools/export_models.py` writes.
//!
//! `import.json` says what the folder holds, with a digest of every other file. Reading is
//! a pure function of the files' bytes.

use std::collections::BTreeMap;

use ndarray::Array2;
use serde::{Deserialize, Serialize};

use crate::bundle::{Bundle, BundleManifest, FEATURES, TARGET};
use crate::contracts::Source;
use crate::models::codec::{Element, Reader};
use crate::models::forest::Tree;
use crate::models::umap::UmapParts;
use crate::models::{Forest, KMeans, Metric, MinMaxScaler, ModelError, Umap};
use crate::segments::{FIRST, Profile, Segment, quality};
use crate::settings::{self, ClusteringSettings, Settings};
use crate::store::sha256;
use crate::{Error, Result};

/// The file that describes the others.
pub const DESCRIPTION: &str = "import.json";
const SCALER: &str = "scaler.safetensors";
const FOREST: &str = "forest.safetensors";
const UMAP: &str = "umap.safetensors";
const KMEANS: &str = "kmeans.safetensors";

/// `import.json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Description {
    /// Version of the format.
    pub schema_version: u32,
    /// Names of the features, in the models' order.
    pub features: Vec<String>,
    /// What the forest was fitted to.
    pub target: String,
    /// Parameters of the UMAP model.
    pub umap: UmapDescription,
    /// Versions of the programs that fitted and exported the models; for the record.
    pub versions: BTreeMap<String, String>,
    /// SHA-256 of each file.
    pub files: BTreeMap<String, String>,
}

/// Parameters of a umap-learn model, under its names.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)] // umap-learn's own
pub struct UmapDescription {
    pub metric: Metric,
    pub n_neighbors: usize,
    pub min_dist: f64,
    pub a: f64,
    pub b: f64,
    pub seed: u64,
    /// The state that a transform's random numbers begin with, drawn from the seed by numpy.
    /// With it points are found by umap-learn's very steps, without it by ours.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transform_state: Option<[i64; 3]>,
}

impl Description {
    /// The format's version that this program reads.
    pub const SCHEMA_VERSION: u32 = 1;

    /// Reads `import.json`.
    pub fn parse(bytes: &[u8]) -> Result<Self> {
        let wrong = |reason: String| corrupt(DESCRIPTION, reason);
        let found: Self = serde_json::from_slice(bytes).map_err(|e| wrong(e.to_string()))?;
        if found.schema_version != Self::SCHEMA_VERSION {
            return Err(wrong(format!(
                "its schema version is {}, this program reads {}: export again with this version's tools/export_models.py",
                found.schema_version,
                Self::SCHEMA_VERSION
            )));
        }
        if found.features != FEATURES || found.target != TARGET {
            return Err(wrong(format!(
                "its models take {:?} for {}, this program has {FEATURES:?} for {TARGET}",
                found.features, found.target
            )));
        }
        let known = [SCALER, FOREST, UMAP, KMEANS];
        if let Some(other) = found
            .files
            .keys()
            .find(|name| !known.contains(&name.as_str()))
        {
            return Err(wrong(format!(
                "it lists '{other}', which is none of {known:?}"
            )));
        }
        if let Some(name) = known[..3]
            .iter()
            .find(|name| !found.files.contains_key(**name))
        {
            return Err(wrong(format!("it does not list {name}")));
        }
        Ok(found)
    }
}

/// Models as they were exported.
#[derive(Debug, Clone)]
pub struct Imported {
    /// What they are.
    pub description: Description,
    /// Scales the four features.
    pub scaler: MinMaxScaler,
    /// Places a customer in one leaf a tree.
    pub forest: Forest,
    /// Places leaf vectors in the plane.
    pub umap: Umap,
    /// Places points in segments, if it was exported.
    pub kmeans: Option<KMeans>,
}

impl Imported {
    /// Reads an exported folder from the content of `import.json` and of the files that it
    /// lists, by name. Refused if a file is missing, is not what its digest says, or if the
    /// parts do not fit together.
    pub fn read(description: &[u8], files: &BTreeMap<String, Vec<u8>>) -> Result<Self> {
        let description = Description::parse(description)?;
        let file = |name: &'static str| verified(&description, files, name);
        let scaler = scaler(file(SCALER)?)?;
        let forest = forest(file(FOREST)?)?;
        let umap = umap(file(UMAP)?, &description.umap)?;
        let kmeans = match description.files.get(KMEANS) {
            Some(_) => Some(kmeans(file(KMEANS)?)?),
            None => None,
        };
        if umap.leaves().ncols() != forest.trees().len() {
            return Err(corrupt(
                UMAP,
                format!(
                    "its leaves are of {} trees, the forest has {}: export models of one training",
                    umap.leaves().ncols(),
                    forest.trees().len()
                ),
            ));
        }
        Ok(Self {
            description,
            scaler,
            forest,
            umap,
            kmeans,
        })
    }

    /// The version of the bundle that these models make with these settings.
    fn version(&self, clustering: &ClusteringSettings) -> Result<String> {
        let fitted_here = self.kmeans.is_none().then_some(clustering);
        let identity = serde_json::to_vec(&("import", &self.description, fitted_here))
            .map_err(|e| Error::Internal(e.to_string()))?;
        Ok(sha256(&identity).chars().take(16).collect())
    }

    /// Makes a bundle. Without an exported k-means one is fitted to the imported embedding
    /// by the settings. Segments are numbered by the forest's estimate of revenue for the
    /// training customers, since their real revenue is not part of the export. The numbers of
    /// exported clusters, from `free` on, are those of the segments; otherwise they are in
    /// the order of that estimate.
    pub fn into_bundle(self, settings: &Settings, free: u32) -> Result<Bundle> {
        let version = self.version(&settings.clustering)?;
        // What apply says of the training customers.
        let points = self.umap.transform(self.umap.leaves())?.mapv(f64::from);
        let mut clustering = settings.clustering.clone();
        let exported = self.kmeans.is_some();
        let kmeans = match self.kmeans {
            Some(kmeans) => kmeans,
            None => clustering.kmeans().fit(points.view())?,
        };
        let k = kmeans.centroids().nrows();
        clustering.k = k;
        let labels = kmeans.predict(points.view())?;
        let estimates = self.forest.predict_leaves(self.umap.leaves())?;
        let order = Profile::order(&estimates.to_vec(), &labels.to_vec(), k);
        let segments = segments(&order, exported, free)?;
        let kmeans = kmeans.reordered(&order)?;
        let labels = kmeans.predict(points.view())?;
        let quality = quality(&kmeans, points.view(), labels.view(), clustering.seed)?;
        let umap = &self.description.umap;
        let mut embedding = settings.embedding.clone();
        embedding.trees = self.forest.trees().len();
        embedding.n_neighbors = umap.n_neighbors;
        embedding.min_dist = umap.min_dist;
        // How the notebook's models were fitted.
        embedding.target = settings::Target::Revenue;
        embedding.splits = settings::Splits::Best;
        embedding.start = settings::Start::Spectral;
        embedding.metric = match umap.metric {
            Metric::Hamming => settings::Metric::Hamming,
            Metric::Euclidean => settings::Metric::Euclidean,
        };
        let digest = self
            .description
            .files
            .get(UMAP)
            .cloned()
            .unwrap_or_default();
        let manifest = BundleManifest {
            schema_version: BundleManifest::SCHEMA_VERSION,
            version,
            features: self.description.features.clone(),
            target: self.description.target.clone(),
            embedding,
            clustering,
            source: Source {
                bucket: "imported".to_owned(),
                key: DESCRIPTION.to_owned(),
                version: None,
                etag: digest.clone(),
                size: 0,
            },
            training_sha256: digest,
            training_customers: points.nrows() as u64,
            sample: None,
            segments,
            rules: Vec::new(),
            lineage: None,
            gates: Vec::new(),
            quality,
            files: BTreeMap::new(),
        };
        Ok(Bundle {
            manifest,
            scaler: self.scaler,
            forest: self.forest,
            umap: self.umap,
            kmeans,
            reference: None,
        })
    }
}

/// The segments in the order of the forest's estimate; `order[i]` is the exported cluster
/// that comes i-th.
fn segments(order: &[usize], exported: bool, free: u32) -> Result<Vec<Segment>> {
    let segments = order.iter().enumerate().map(|(place, &cluster)| {
        let number = if exported { cluster } else { place };
        let id = u32::try_from(number).ok().and_then(|n| free.checked_add(n));
        let id = id.ok_or_else(|| Error::Internal(format!("no number for cluster {number}")))?;
        let name = match place {
            0 => FIRST.to_owned(),
            _ => format!("Segment {id}"),
        };
        Ok(Segment { id, name })
    });
    segments.collect()
}

fn corrupt(file: &str, reason: impl Into<String>) -> Error {
    Error::Corrupt {
        object: file.to_owned(),
        reason: reason.into(),
    }
}

/// A model's complaint, as one about the exported file.
fn of_file(file: &'static str) -> impl Fn(ModelError) -> Error {
    move |error| match error {
        ModelError::Corrupt { why, .. } => corrupt(file, why),
        other => corrupt(file, other.to_string()),
    }
}

fn verified<'a>(
    description: &Description,
    files: &'a BTreeMap<String, Vec<u8>>,
    name: &str,
) -> Result<&'a [u8]> {
    let Some(bytes) = files.get(name) else {
        return Err(Error::NotFound {
            what: name.to_owned(),
            hint: format!("{DESCRIPTION} lists it: copy the whole folder or export again"),
        });
    };
    let found = sha256(bytes);
    match description.files.get(name) {
        Some(expected) if *expected == found => Ok(bytes),
        expected => Err(corrupt(
            name,
            format!(
                "its SHA-256 is {found}, {DESCRIPTION} says {}: copy the folder again",
                expected.map_or("nothing", String::as_str)
            ),
        )),
    }
}

fn scaler(bytes: &[u8]) -> Result<MinMaxScaler> {
    let read = || {
        let reader = Reader::open(SCALER, bytes)?;
        let shape = [FEATURES.len()];
        let scale = reader.array::<f64>("scale", &shape)?;
        let offset = reader.array::<f64>("offset", &shape)?;
        MinMaxScaler::from_parts(scale.into(), offset.into())
    };
    read().map_err(of_file(SCALER))
}

fn forest(bytes: &[u8]) -> Result<Forest> {
    let read = || {
        let reader = Reader::open(FOREST, bytes)?;
        let ([n], starts) = reader.axes::<u32, 1>("starts")?;
        let ([nodes], features) = reader.axes::<i16, 1>("feature")?;
        let thresholds = reader.array::<f64>("threshold", &[nodes])?;
        let right = reader.array::<u32>("right", &[nodes])?;
        let values = reader.array::<f64>("value", &[nodes])?;
        if n < 2 || starts.last().map(|&end| end as usize) != Some(nodes) || starts[0] != 0 {
            return Err(reader.corrupt("starts does not cover the nodes"));
        }
        let trees = starts.windows(2).map(|bounds| {
            let range = bounds[0] as usize..bounds[1] as usize;
            let part = |what: &'static str| reader.corrupt(format!("{what} ends too early"));
            Tree::from_arrays(
                features.get(range.clone()).ok_or_else(|| part("feature"))?,
                thresholds
                    .get(range.clone())
                    .ok_or_else(|| part("threshold"))?,
                right.get(range.clone()).ok_or_else(|| part("right"))?,
                values.get(range).ok_or_else(|| part("value"))?,
            )
        });
        Forest::from_trees(FEATURES.len(), trees.collect::<Result<_, ModelError>>()?)
    };
    read().map_err(of_file(FOREST))
}

fn umap(bytes: &[u8], parameters: &UmapDescription) -> Result<Umap> {
    let read = || {
        let reader = Reader::open(UMAP, bytes)?;
        let embedding: Array2<f32> = matrix(&reader, "embedding")?;
        if embedding.ncols() != 2 {
            let found = embedding.ncols();
            return Err(reader.corrupt(format!("its points have {found} coordinates, not 2")));
        }
        Umap::from_parts(UmapParts {
            metric: parameters.metric,
            n_neighbors: parameters.n_neighbors,
            min_dist: parameters.min_dist,
            a: parameters.a,
            b: parameters.b,
            seed: parameters.seed,
            // Scoring a training customer again gives the point that it was trained with.
            snap_exact: true,
            replay: parameters.transform_state,
            leaves: matrix(&reader, "leaves")?,
            embedding,
        })
    };
    read().map_err(of_file(UMAP))
}

fn kmeans(bytes: &[u8]) -> Result<KMeans> {
    let read = || {
        let reader = Reader::open(KMEANS, bytes)?;
        let centroids: Array2<f64> = matrix(&reader, "centroids")?;
        if centroids.ncols() != 2 {
            let found = centroids.ncols();
            return Err(reader.corrupt(format!("its centroids have {found} coordinates, not 2")));
        }
        let inertia = reader.array::<f64>("inertia", &[1])?;
        KMeans::from_parts(centroids, inertia.first().copied().unwrap_or_default(), 0)
    };
    read().map_err(of_file(KMEANS))
}

fn matrix<T: Element>(reader: &Reader<'_>, name: &str) -> Result<Array2<T>, ModelError> {
    let (shape, values) = reader.axes::<T, 2>(name)?;
    Array2::from_shape_vec(shape, values).map_err(|e| reader.corrupt(e.to_string()))
}

#[cfg(test)]
mod tests;
