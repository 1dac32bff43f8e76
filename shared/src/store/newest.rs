//! Which object of a prefix was written last.

use super::{Store, failure};
use crate::{Error, Result};

impl Store {
    /// The key of the object under `prefix` that was written last; of two at the same
    /// moment, the greater key. Folders as consoles draw them (empty objects whose keys end
    /// in `/`) do not count.
    pub async fn newest(&self, prefix: &str) -> Result<String> {
        let mut newest = None;
        let mut pages = self
            .client
            .list_objects_v2()
            .bucket(&*self.bucket)
            .prefix(prefix)
            .into_paginator()
            .send();
        while let Some(page) = pages.next().await {
            let page = page.map_err(|e| failure::of("ListObjectsV2", &self.bucket, prefix, &e))?;
            for object in page.contents.unwrap_or_default() {
                let (Some(key), Some(time)) = (object.key, object.last_modified) else {
                    continue;
                };
                if !key.ends_with('/') {
                    let moment = (time.secs(), time.subsec_nanos());
                    newest = newest.max(Some((moment, key)));
                }
            }
        }
        newest.map(|(_, key)| key).ok_or_else(|| Error::NotFound {
            what: format!("an object under '{}/{prefix}'", self.bucket),
            hint: "upload a sales export there first".to_owned(),
        })
    }
}
