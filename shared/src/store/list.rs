//! What objects there are under a prefix.

use aws_sdk_s3::types::Object;

use super::{Store, failure};
use crate::{Error, Result};

impl Store {
    /// The key of the object under `prefix` that was written last; of two at the same
    /// moment, the greater key. Folders as consoles draw them (empty objects whose keys end
    /// in `/`) do not count.
    pub async fn newest(&self, prefix: &str) -> Result<String> {
        let mut newest = None;
        self.each(prefix, |object| {
            let (Some(key), Some(time)) = (object.key, object.last_modified) else {
                return;
            };
            if !key.ends_with('/') {
                let moment = (time.secs(), time.subsec_nanos());
                newest = newest.take().max(Some((moment, key)));
            }
        })
        .await?;
        newest.map(|(_, key)| key).ok_or_else(|| Error::NotFound {
            what: format!("an object under '{}/{prefix}'", self.bucket),
            hint: "upload a sales export there first".to_owned(),
        })
    }

    /// The keys under `prefix`, in their byte order.
    pub async fn keys(&self, prefix: &str) -> Result<Vec<String>> {
        let mut keys = Vec::new();
        self.each(prefix, |object| keys.extend(object.key)).await?;
        keys.sort_unstable();
        Ok(keys)
    }

    async fn each(&self, prefix: &str, mut found: impl FnMut(Object)) -> Result<()> {
        let mut pages = self
            .client
            .list_objects_v2()
            .bucket(&*self.bucket)
            .prefix(prefix)
            .into_paginator()
            .send();
        while let Some(page) = pages.next().await {
            let page = page.map_err(|e| failure::of("ListObjectsV2", &self.bucket, prefix, &e))?;
            page.contents
                .unwrap_or_default()
                .into_iter()
                .for_each(&mut found);
        }
        Ok(())
    }
}
