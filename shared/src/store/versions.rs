//! Every version of objects, and their removal.

use super::{Store, failure};
use crate::Result;

/// One version of an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectVersion {
    /// Key.
    pub key: String,
    /// Version id as S3 has it; `null` for what was written while there were no versions.
    pub version: Option<String>,
    /// Whether it is what a reader without a version gets.
    pub is_latest: bool,
    /// Whether it marks a deletion and has no bytes.
    pub is_marker: bool,
    /// When it was written, in seconds and nanoseconds since 1970.
    pub written: (i64, u32),
}

impl Store {
    /// Every version under `prefix`, the oldest first; of two at the same moment, by key, the
    /// latest of a key last.
    pub async fn versions(&self, prefix: &str) -> Result<Vec<ObjectVersion>> {
        let mut found = Vec::new();
        let (mut key, mut version) = (None, None);
        loop {
            let page = self
                .client
                .list_object_versions()
                .bucket(&*self.bucket)
                .prefix(prefix)
                .set_key_marker(key)
                .set_version_id_marker(version)
                .send()
                .await
                .map_err(|e| failure::of("ListObjectVersions", &self.bucket, prefix, &e))?;
            let objects = page.versions.unwrap_or_default().into_iter().map(|object| {
                (
                    object.key,
                    object.version_id,
                    object.is_latest,
                    object.last_modified,
                    false,
                )
            });
            let markers = page.delete_markers.unwrap_or_default();
            let markers = markers.into_iter().map(|marker| {
                (
                    marker.key,
                    marker.version_id,
                    marker.is_latest,
                    marker.last_modified,
                    true,
                )
            });
            for (key, version, is_latest, time, is_marker) in objects.chain(markers) {
                let (Some(key), Some(time)) = (key, time) else {
                    continue;
                };
                found.push(ObjectVersion {
                    key,
                    version,
                    is_latest: is_latest.unwrap_or(false),
                    is_marker,
                    written: (time.secs(), time.subsec_nanos()),
                });
            }
            if page.is_truncated != Some(true) {
                break;
            }
            (key, version) = (page.next_key_marker, page.next_version_id_marker);
        }
        found.sort_by(|a, b| {
            let order = |v: &ObjectVersion| (v.written, v.key.clone(), v.is_latest);
            order(a).cmp(&order(b))
        });
        Ok(found)
    }

    /// Removes one version for good; without a version, the object.
    pub async fn remove(&self, key: &str, version: Option<&str>) -> Result<()> {
        self.client
            .delete_object()
            .bucket(&*self.bucket)
            .key(key)
            .set_version_id(version.map(str::to_owned))
            .send()
            .await
            .map(drop)
            .map_err(|e| failure::of("DeleteObject", &self.bucket, key, &e))
    }
}
