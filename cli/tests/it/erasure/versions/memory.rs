//! S3 with versions, in memory: what the product asks of it and no more.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::SystemTime;

use bytes::Bytes;
use futures::TryStreamExt as _;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use s3s::auth::SimpleAuth;
use s3s::dto::*;
use s3s::service::S3ServiceBuilder;
use s3s::{S3, S3Request, S3Response, S3Result, s3_error};

/// One version; without bytes, a marker of deletion.
#[derive(Clone)]
struct Version {
    id: String,
    written: SystemTime,
    bytes: Option<Bytes>,
}

impl Version {
    fn etag(&self) -> ETag {
        ETag::Strong(format!("etag-{}", self.id))
    }
}

#[derive(Default)]
struct State {
    next: u64,
    /// Versions by key, the latest one last.
    objects: BTreeMap<String, Vec<Version>>,
    parts: HashMap<String, BTreeMap<i32, Bytes>>,
}

#[derive(Clone, Default)]
pub(super) struct Memory(Arc<Mutex<State>>);

impl Memory {
    /// Serves until the test's runtime ends; the address.
    pub(super) async fn serve(&self, keys: [&str; 2]) -> String {
        let mut service = S3ServiceBuilder::new(self.clone());
        service.set_auth(SimpleAuth::from_single(keys[0], keys[1]));
        let service = service.build();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                let service = service.clone();
                tokio::spawn(async move {
                    let http = Builder::new(TokioExecutor::new());
                    let _ = http.serve_connection(TokioIo::new(socket), service).await;
                });
            }
        });
        url
    }

    /// Every version of every object.
    pub(super) fn everything(&self) -> Vec<(String, Bytes)> {
        let state = self.state();
        let all = state.objects.iter().flat_map(|(key, versions)| {
            versions.iter().filter_map(move |version| {
                Some((format!("{key}?{}", version.id), version.bytes.clone()?))
            })
        });
        all.collect()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }

    fn find(&self, key: &str, id: Option<&str>) -> S3Result<(Version, Bytes)> {
        let state = self.state();
        let mut versions = state.objects.get(key).into_iter().flatten().rev();
        let version = match id {
            None => versions.next(),
            Some(id) => versions.find(|version| version.id == id),
        };
        let Some(version) = version else {
            return Err(s3_error!(NoSuchKey));
        };
        let bytes = version.bytes.clone().ok_or_else(|| s3_error!(NoSuchKey))?;
        Ok((version.clone(), bytes))
    }

    fn write(
        &self,
        key: &str,
        bytes: Option<Bytes>,
        if_match: Option<&ETagCondition>,
        if_none_match: Option<&ETagCondition>,
    ) -> S3Result<Version> {
        let mut state = self.state();
        let latest = state.objects.get(key).and_then(|versions| versions.last());
        let there = latest
            .filter(|version| version.bytes.is_some())
            .map(Version::etag);
        let is_met = match (if_match, &there) {
            (None, _) => true,
            (Some(ETagCondition::ETag(wanted)), Some(etag)) => etag == wanted,
            (Some(_), there) => there.is_some(),
        };
        if !is_met || if_none_match.is_some() && there.is_some() {
            return Err(s3_error!(PreconditionFailed));
        }
        state.next += 1;
        let version = Version {
            id: format!("v{}", state.next),
            #[expect(clippy::disallowed_methods, reason = "it is what S3 says")]
            written: SystemTime::now(),
            bytes,
        };
        let versions = state.objects.entry(key.to_owned()).or_default();
        versions.push(version.clone());
        Ok(version)
    }
}

async fn collect(body: Option<StreamingBlob>) -> Bytes {
    let mut bytes = Vec::new();
    if let Some(mut body) = body {
        while let Some(chunk) = body.try_next().await.unwrap() {
            bytes.extend_from_slice(&chunk);
        }
    }
    bytes.into()
}

#[async_trait::async_trait]
impl S3 for Memory {
    async fn get_object(
        &self,
        req: S3Request<GetObjectInput>,
    ) -> S3Result<S3Response<GetObjectOutput>> {
        let input = req.input;
        let (version, bytes) = self.find(&input.key, input.version_id.as_deref())?;
        if let Some(ETagCondition::ETag(wanted)) = &input.if_match
            && *wanted != version.etag()
        {
            return Err(s3_error!(PreconditionFailed));
        }
        let bytes = match input.range {
            None => bytes,
            Some(range) => {
                let range = range.check(bytes.len() as u64)?;
                bytes.slice(range.start as usize..range.end as usize)
            }
        };
        Ok(S3Response::new(GetObjectOutput {
            content_length: Some(bytes.len() as i64),
            e_tag: Some(version.etag()),
            version_id: Some(version.id),
            body: Some(StreamingBlob::wrap(futures::stream::once(async {
                Ok::<_, std::io::Error>(bytes)
            }))),
            ..GetObjectOutput::default()
        }))
    }

    async fn head_object(
        &self,
        req: S3Request<HeadObjectInput>,
    ) -> S3Result<S3Response<HeadObjectOutput>> {
        let (version, bytes) = self.find(&req.input.key, req.input.version_id.as_deref())?;
        Ok(S3Response::new(HeadObjectOutput {
            content_length: Some(bytes.len() as i64),
            e_tag: Some(version.etag()),
            version_id: Some(version.id),
            ..HeadObjectOutput::default()
        }))
    }

    async fn put_object(
        &self,
        req: S3Request<PutObjectInput>,
    ) -> S3Result<S3Response<PutObjectOutput>> {
        let input = req.input;
        let bytes = collect(input.body).await;
        let (if_match, if_none) = (input.if_match.as_ref(), input.if_none_match.as_ref());
        let version = self.write(&input.key, Some(bytes), if_match, if_none)?;
        Ok(S3Response::new(PutObjectOutput {
            e_tag: Some(version.etag()),
            version_id: Some(version.id),
            ..PutObjectOutput::default()
        }))
    }

    async fn delete_object(
        &self,
        req: S3Request<DeleteObjectInput>,
    ) -> S3Result<S3Response<DeleteObjectOutput>> {
        let input = req.input;
        match input.version_id {
            None => drop(self.write(&input.key, None, None, None)?),
            Some(id) => {
                let mut state = self.state();
                if let Some(versions) = state.objects.get_mut(&input.key) {
                    versions.retain(|version| version.id != id);
                }
            }
        }
        Ok(S3Response::new(DeleteObjectOutput::default()))
    }

    async fn list_objects_v2(
        &self,
        req: S3Request<ListObjectsV2Input>,
    ) -> S3Result<S3Response<ListObjectsV2Output>> {
        let prefix = req.input.prefix.unwrap_or_default();
        let state = self.state();
        let under = state
            .objects
            .iter()
            .filter(|(key, _)| key.starts_with(&prefix));
        let there = under.filter_map(|(key, versions)| {
            let latest = versions.last()?;
            latest.bytes.as_ref().map(|bytes| Object {
                key: Some(key.clone()),
                last_modified: Some(latest.written.into()),
                size: Some(bytes.len() as i64),
                ..Object::default()
            })
        });
        Ok(S3Response::new(ListObjectsV2Output {
            contents: Some(there.collect()),
            ..ListObjectsV2Output::default()
        }))
    }

    /// A page holds three versions, so that there are pages.
    async fn list_object_versions(
        &self,
        req: S3Request<ListObjectVersionsInput>,
    ) -> S3Result<S3Response<ListObjectVersionsOutput>> {
        let input = req.input;
        let prefix = input.prefix.unwrap_or_default();
        let state = self.state();
        let under = state
            .objects
            .iter()
            .filter(|(key, _)| key.starts_with(&prefix));
        let mut all: Vec<(&String, &Version, bool)> = under
            .flat_map(|(key, versions)| {
                let newest_first = versions.iter().rev().enumerate();
                newest_first.map(move |(place, version)| (key, version, place == 0))
            })
            .collect();
        if let Some(key) = &input.key_marker {
            let marker = input.version_id_marker.as_deref();
            let place = all
                .iter()
                .position(|(k, v, _)| *k == key && Some(v.id.as_str()) == marker)
                .unwrap();
            all.drain(..=place);
        }
        let is_truncated = all.len() > 3;
        all.truncate(3);
        let last = all.last().filter(|_| is_truncated);
        let mut output = ListObjectVersionsOutput {
            is_truncated: Some(is_truncated),
            next_key_marker: last.map(|(key, ..)| (*key).clone()),
            next_version_id_marker: last.map(|(_, version, _)| version.id.clone()),
            ..ListObjectVersionsOutput::default()
        };
        let (mut versions, mut markers) = (Vec::new(), Vec::new());
        for (key, version, is_latest) in all {
            if version.bytes.is_some() {
                versions.push(ObjectVersion {
                    key: Some(key.clone()),
                    version_id: Some(version.id.clone()),
                    is_latest: Some(is_latest),
                    last_modified: Some(version.written.into()),
                    ..ObjectVersion::default()
                });
            } else {
                markers.push(DeleteMarkerEntry {
                    key: Some(key.clone()),
                    version_id: Some(version.id.clone()),
                    is_latest: Some(is_latest),
                    last_modified: Some(version.written.into()),
                    ..DeleteMarkerEntry::default()
                });
            }
        }
        output.versions = Some(versions);
        output.delete_markers = Some(markers);
        Ok(S3Response::new(output))
    }

    async fn create_multipart_upload(
        &self,
        req: S3Request<CreateMultipartUploadInput>,
    ) -> S3Result<S3Response<CreateMultipartUploadOutput>> {
        let mut state = self.state();
        state.next += 1;
        let id = format!("u{}", state.next);
        state.parts.insert(id.clone(), BTreeMap::new());
        Ok(S3Response::new(CreateMultipartUploadOutput {
            bucket: Some(req.input.bucket),
            key: Some(req.input.key),
            upload_id: Some(id),
            ..CreateMultipartUploadOutput::default()
        }))
    }

    async fn upload_part(
        &self,
        req: S3Request<UploadPartInput>,
    ) -> S3Result<S3Response<UploadPartOutput>> {
        let input = req.input;
        let bytes = collect(input.body).await;
        let mut state = self.state();
        let parts = state.parts.get_mut(&input.upload_id).unwrap();
        parts.insert(input.part_number, bytes);
        Ok(S3Response::new(UploadPartOutput {
            e_tag: Some(ETag::Strong(format!("part-{}", input.part_number))),
            ..UploadPartOutput::default()
        }))
    }

    async fn complete_multipart_upload(
        &self,
        req: S3Request<CompleteMultipartUploadInput>,
    ) -> S3Result<S3Response<CompleteMultipartUploadOutput>> {
        let input = req.input;
        let parts = self.state().parts.remove(&input.upload_id).unwrap();
        let bytes: Vec<u8> = parts.into_values().flatten().collect();
        let version = self.write(&input.key, Some(bytes.into()), None, None)?;
        Ok(S3Response::new(CompleteMultipartUploadOutput {
            e_tag: Some(version.etag()),
            version_id: Some(version.id),
            ..CompleteMultipartUploadOutput::default()
        }))
    }
}
