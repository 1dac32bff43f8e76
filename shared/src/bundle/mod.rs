//! A bundle: the models of one fit, stored whole under `models/{version}/` and never changed.
//! `models/champion.json` points to the version that `apply` uses.

mod champion;
mod manifest;

use std::collections::BTreeMap;

use bytes::Bytes;

use crate::contracts::Layout;
use crate::evaluation::Reference;
use crate::failpoint::reach;
use crate::models::{Forest, KMeans, MinMaxScaler, ModelError, Umap};
use crate::store::Store;
use crate::{Error, Result};

pub use champion::{
    Cause, Champion, Move, champion, promote, promote_after, rename, reserve, rollback,
};
pub use manifest::{BundleManifest, FEATURES, Sample, TARGET};

/// The models of one fit.
#[derive(Debug, Clone)]
pub struct Bundle {
    /// What they are and came from.
    pub manifest: BundleManifest,
    /// Scales the four features.
    pub scaler: MinMaxScaler,
    /// Places a customer in one leaf a tree.
    pub forest: Forest,
    /// Places leaf vectors in the plane.
    pub umap: Umap,
    /// Places points in segments.
    pub kmeans: KMeans,
    /// How the training customers' features are distributed; unknown of imported models.
    pub reference: Option<Reference>,
}

const SCALER: &str = "scaler.safetensors";
const FOREST: &str = "forest.safetensors";
const UMAP: &str = "umap.safetensors";
const KMEANS: &str = "kmeans.safetensors";
const REFERENCE: &str = "reference.safetensors";
const MANIFEST: &str = "manifest.json";
const BINARY: &str = "application/octet-stream";

fn key(version: &str, file: &str) -> String {
    format!("{}/{file}", Layout::model(version))
}

impl Bundle {
    /// Stores the bundle: its files first, its manifest last. A version that is there
    /// already is left as it is.
    pub async fn save(&mut self, store: &Store) -> Result<()> {
        let version = self.manifest.version.clone();
        self.manifest.files = BTreeMap::new();
        // one after the other: a forest's bytes take as much memory as the forest
        for name in [SCALER, FOREST, UMAP, KMEANS, REFERENCE] {
            let Some(bytes) = self.bytes(name)? else {
                continue;
            };
            let artifact = store
                .put(&key(&version, name), BINARY, Bytes::from(bytes))
                .await?;
            self.manifest.files.insert(name.to_owned(), artifact);
            reach("bundle: file written")?;
        }
        let json = self.manifest.to_json()?;
        match store
            .put_if(&key(&version, MANIFEST), "application/json", json, None)
            .await
        {
            Ok(()) | Err(Error::Conflict { .. }) => Ok(()),
            Err(e) => Err(e),
        }
    }

    fn bytes(&self, file: &str) -> Result<Option<Vec<u8>>> {
        let bytes = match file {
            SCALER => self.scaler.to_bytes()?,
            FOREST => self.forest.to_bytes()?,
            UMAP => self.umap.to_bytes()?,
            KMEANS => self.kmeans.to_bytes()?,
            REFERENCE => match &self.reference {
                Some(reference) => reference.to_bytes()?,
                None => return Ok(None),
            },
            other => return Err(Error::Internal(format!("a bundle has no file {other}"))),
        };
        Ok(Some(bytes))
    }

    /// Whether a version is stored whole.
    pub async fn exists(store: &Store, version: &str) -> Result<bool> {
        let name = named(version)?;
        Ok(store.get_optional(&name).await?.is_some())
    }

    /// Every version that is stored whole, in the order of their names.
    pub async fn versions(store: &Store) -> Result<Vec<String>> {
        let keys = store.keys("models/").await?;
        let versions = keys.iter().filter_map(|key| {
            let rest = key.strip_prefix("models/")?;
            let version = rest.strip_suffix(MANIFEST)?.strip_suffix('/')?;
            (!version.contains('/')).then(|| version.to_owned())
        });
        Ok(versions.collect())
    }

    /// What a version is and came from.
    pub async fn describe(store: &Store, version: &str) -> Result<BundleManifest> {
        let name = named(version)?;
        let manifest = BundleManifest::from_json(&store.get(&name).await?, &name)?;
        if manifest.version == version {
            return Ok(manifest);
        }
        Err(Error::Corrupt {
            object: name,
            reason: format!("it is of version {}", manifest.version),
        })
    }

    /// Reads a version; refused if a digest, the schema or an array is wrong.
    pub async fn load(store: &Store, version: &str) -> Result<Self> {
        let manifest = Self::describe(store, version).await?;
        let (scaler, forest, umap, kmeans) = tokio::try_join!(
            file(store, &manifest, SCALER),
            file(store, &manifest, FOREST),
            file(store, &manifest, UMAP),
            file(store, &manifest, KMEANS),
        )?;
        let reference = match manifest.files.get(REFERENCE) {
            Some(_) => Some(file(store, &manifest, REFERENCE).await?),
            None => None,
        };
        let bundle = Self {
            // first: its bytes are most of all and gone before the others' arrays come
            forest: decoded(version, FOREST, forest, Forest::from_bytes)?,
            scaler: decoded(version, SCALER, scaler, MinMaxScaler::from_bytes)?,
            umap: decoded(version, UMAP, umap, Umap::from_bytes)?,
            kmeans: decoded(version, KMEANS, kmeans, KMeans::from_bytes)?,
            reference: reference
                .map(|bytes| decoded(version, REFERENCE, bytes, Reference::from_bytes))
                .transpose()?,
            manifest,
        };
        bundle.check(&key(version, MANIFEST))?;
        Ok(bundle)
    }

    /// The parts fit together.
    fn check(&self, object: &str) -> Result<()> {
        let k = self.kmeans.centroids().nrows();
        // Each file alone may be whole and of another fit.
        let joints = [
            ("scaled features", self.scaler.scale().len(), FEATURES.len()),
            (
                "features of the forest",
                self.forest.n_features(),
                FEATURES.len(),
            ),
            (
                "trees of the embedding",
                self.umap.leaves().ncols(),
                self.forest.trees().len(),
            ),
            (
                "coordinates of a centroid",
                self.kmeans.centroids().ncols(),
                self.umap.embedding().ncols(),
            ),
        ];
        if let Some((what, found, expected)) = joints.iter().find(|joint| joint.1 != joint.2) {
            return Err(Error::Corrupt {
                object: object.to_owned(),
                reason: format!(
                    "its files are not of one fit: {found} {what} instead of {expected}"
                ),
            });
        }
        let rules = self.manifest.rules.len();
        if rules > 0 && rules != k {
            return Err(Error::Corrupt {
                object: object.to_owned(),
                reason: format!("{rules} rules for {k} centroids"),
            });
        }
        if self.manifest.segments.len() == k {
            let mut ids: Vec<u32> = self.manifest.segments.iter().map(|s| s.id).collect();
            ids.sort_unstable();
            ids.dedup();
            if ids.len() == k {
                return Ok(());
            }
            return Err(Error::Corrupt {
                object: object.to_owned(),
                reason: "two of its segments have one number".to_owned(),
            });
        }
        Err(Error::Corrupt {
            object: object.to_owned(),
            reason: format!(
                "{} segments for {k} centroids",
                self.manifest.segments.len()
            ),
        })
    }
}

/// The key of a version's manifest.
fn named(version: &str) -> Result<String> {
    if Layout::is_name(version) {
        return Ok(key(version, MANIFEST));
    }
    Err(Error::config(
        "model version",
        format!("{version:?} can't be one: it has letters, digits, '-', '_' and '.' alone"),
    ))
}

/// A file's error, with its place.
fn damaged(version: &str, name: &'static str) -> impl FnOnce(ModelError) -> Error {
    let object = key(version, name);
    move |error| Error::Corrupt {
        object,
        reason: match error {
            ModelError::Corrupt { why, .. } => format!("{why}: restore it, or fit again"),
            other => other.to_string(),
        },
    }
}

/// A file's model. Its bytes are gone before the next file's are decoded.
fn decoded<T>(
    version: &str,
    name: &'static str,
    bytes: Bytes,
    decode: fn(&[u8]) -> std::result::Result<T, ModelError>,
) -> Result<T> {
    decode(&bytes).map_err(damaged(version, name))
}

async fn file(store: &Store, manifest: &BundleManifest, name: &str) -> Result<Bytes> {
    let expected = key(&manifest.version, name);
    let artifact = manifest
        .files
        .get(name)
        .filter(|artifact| artifact.key == expected);
    let Some(artifact) = artifact else {
        return Err(Error::Corrupt {
            object: key(&manifest.version, MANIFEST),
            reason: format!("it does not list {expected}"),
        });
    };
    store.get_verified(artifact).await
}
