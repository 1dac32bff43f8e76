//! Whose customers are explored: a run's, or an export's.

use std::io;
use std::sync::Arc;

use ndarray::Array2;
use serde::Serialize;
use shared::bundle::Bundle;
use shared::contracts::{Layout, Manifest, Part, Source};
use shared::features::Features;
use shared::settings::{
    CleaningSettings, ClusteringSettings, EmbeddingSettings, Settings, SourceSettings, Splits,
};
use shared::store::{Hashed, Store};
use shared::tables::read_segments;
use shared::{Error, Result};

use super::super::evaluate::{features, read_folder};
use super::super::run::{file_error, settings};
use super::super::upload::Input;
use crate::Failure;
use crate::args::ExploreArgs;
use crate::watch::Watch;

/// Customers that can be placed, once somebody asks for it.
pub(super) enum Origin {
    Run {
        manifest: Box<Manifest>,
        laid_out_for: Option<usize>,
    },
    Export {
        input: Input,
        object: Object,
        settings: Box<Settings>,
        stored: Option<Box<Bundle>>,
    },
}

/// An export by its content.
#[derive(Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Object {
    File { sha256: String },
    Stored(Source),
}

/// What decides the customers and their embedding.
#[derive(Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Identity<'a> {
    Segments {
        run_id: &'a str,
        sha256: &'a str,
    },
    Export {
        object: &'a Object,
        read: &'a SourceSettings,
        cleaning: &'a CleaningSettings,
        embedding: &'a EmbeddingSettings,
        clustering: &'a ClusteringSettings,
        model: Option<&'a str>,
    },
}

/// Customers and where they are in the embedding.
pub(super) struct Placed {
    pub(super) features: Features,
    /// Shape `(n_customers, 2)`.
    pub(super) embedding: Array2<f64>,
    /// Segments as of now.
    pub(super) current: usize,
}

impl Origin {
    /// Finds the run or the export; reads no customers yet.
    pub(super) async fn find(store: &Store, args: &ExploreArgs) -> Result<Self, Failure> {
        if let Some(run_id) = &args.run {
            let key = Layout::new(run_id).key(Part::Manifest);
            let Some((body, _)) = store.get_optional(&key).await? else {
                let what = format!("run {run_id}");
                let hint = "runs/ under the folder has one folder a run".to_owned();
                return Err(Error::NotFound { what, hint }.into());
            };
            let manifest = Manifest::read(&body, run_id)?;
            let model = Bundle::describe(store, &manifest.run.model_version).await?;
            return Ok(Self::Run {
                manifest: Box::new(manifest),
                laid_out_for: laid_out_for(&model.embedding, &model.clustering),
            });
        }
        let name = args.input.as_deref().unwrap_or_default();
        let (input, object) = identified(Input::open(name)?, name).await?;
        let (settings, stored) = match &args.config {
            Some(path) => (settings(path)?, None),
            None => read_folder(store).await?,
        };
        Ok(Self::Export {
            input,
            object,
            settings: Box::new(settings),
            stored: stored.map(Box::new),
        })
    }

    pub(super) fn settings(&self) -> &Settings {
        match self {
            Self::Run { manifest, .. } => &manifest.run.settings,
            Self::Export { settings, .. } => settings,
        }
    }

    pub(super) fn identity(&self) -> Result<Identity<'_>> {
        Ok(match self {
            Self::Run { manifest, .. } => Identity::Segments {
                run_id: &manifest.run.run_id,
                sha256: &segments(manifest)?.sha256,
            },
            Self::Export {
                object,
                settings,
                stored,
                ..
            } => Identity::Export {
                object,
                read: &settings.source,
                cleaning: &settings.cleaning,
                embedding: &settings.embedding,
                clustering: &settings.clustering,
                model: stored.as_ref().map(|b| b.manifest.version.as_str()),
            },
        })
    }

    /// The run, if it is one.
    pub(super) fn run_id(&self) -> Option<String> {
        match self {
            Self::Run { manifest, .. } => Some(manifest.run.run_id.clone()),
            Self::Export { .. } => None,
        }
    }

    /// The stored model that places the customers, if there is one.
    pub(super) fn model(&self) -> Option<String> {
        match self {
            Self::Run { manifest, .. } => Some(manifest.run.model_version.clone()),
            Self::Export { stored, .. } => stored.as_ref().map(|b| b.manifest.version.clone()),
        }
    }

    /// The number of segments that the embedding was made for, if it was made for one.
    pub(super) fn laid_out_for(&self) -> Option<usize> {
        match self {
            Self::Run { laid_out_for, .. } => *laid_out_for,
            Self::Export { settings, .. } => {
                laid_out_for(&settings.embedding, &settings.clustering)
            }
        }
    }

    /// Reads and places the customers.
    pub(super) async fn place(self, store: &Store, watch: Arc<Watch>) -> Result<Placed, Failure> {
        match self {
            Self::Run { manifest, .. } => {
                let artifact = segments(&manifest)?;
                let rows = read_segments(store.get_verified(artifact).await?, &artifact.key)?;
                let mut labels = rows.label;
                labels.sort_unstable();
                labels.dedup();
                let flat = rows.embedding_x.iter().zip(&rows.embedding_y);
                let flat: Vec<f64> = flat.flat_map(|(&x, &y)| [x, y]).collect();
                let embedding = Array2::from_shape_vec((rows.features.len(), 2), flat)
                    .map_err(|e| Error::Internal(e.to_string()))?;
                Ok(Placed {
                    features: rows.features,
                    embedding,
                    current: labels.len(),
                })
            }
            Self::Export {
                input,
                settings,
                stored,
                ..
            } => {
                let dir = tempfile::tempdir();
                let dir = dir.map_err(|e| file_error(&std::env::temp_dir(), e))?;
                let read = *settings.clone();
                let features = features(dir.path(), input, read, watch.clone()).await?;
                let current = settings.clustering.k;
                let placed = tokio::task::spawn_blocking(move || {
                    let stored = stored.as_deref();
                    let points =
                        embed_and_cluster::embedding(&features, &settings, stored, &*watch);
                    points.map(|points| (features, points))
                });
                let (features, embedding) =
                    placed.await.map_err(|e| Error::Internal(e.to_string()))??;
                Ok(Placed {
                    features,
                    embedding,
                    current,
                })
            }
        }
    }
}

/// A forest that cuts at round numbers has as many cells as the segments ask for.
fn laid_out_for(embedding: &EmbeddingSettings, clustering: &ClusteringSettings) -> Option<usize> {
    (embedding.splits == Splits::Round).then_some(clustering.k)
}

fn segments(manifest: &Manifest) -> Result<&shared::contracts::Artifact> {
    let artifact = manifest.artifacts.get(Part::Segments.file_name());
    artifact.ok_or_else(|| Error::NotFound {
        what: format!("segments.parquet of run {}", manifest.run.run_id),
        hint: "its manifest names none: run it again".to_owned(),
    })
}

/// The input again, and what its content is known by.
async fn identified(input: Input, name: &str) -> Result<(Input, Object)> {
    match input {
        Input::Object(object) => {
            let remote = Store::from_env(&object.bucket).await;
            let source = remote.source(&object).await?;
            Ok((Input::Object(object), Object::Stored(source)))
        }
        Input::File {
            mut file,
            name: stem,
        } => {
            let hashed = tokio::task::spawn_blocking(move || {
                let mut bytes = Hashed::new(&mut file);
                io::copy(&mut bytes, &mut io::sink())?;
                let sha256 = bytes.sha256();
                io::Seek::rewind(&mut file).map(|()| (file, sha256))
            });
            let (file, sha256) = hashed
                .await
                .map_err(|e| Error::Internal(e.to_string()))?
                .map_err(|e| Error::bad_input(name, format!("it can't be read: {e}")))?;
            Ok((Input::File { file, name: stem }, Object::File { sha256 }))
        }
    }
}
