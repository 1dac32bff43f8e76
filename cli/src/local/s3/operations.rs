//! The operations of S3 that the product uses, by way of s3s-fs where it does them right.

use std::fs;

use s3s::dto::{
    AbortMultipartUploadInput, AbortMultipartUploadOutput, CompleteMultipartUploadInput,
    CompleteMultipartUploadOutput, CopyObjectInput, CopyObjectOutput, CopyObjectResult, CopySource,
    CreateMultipartUploadInput, CreateMultipartUploadOutput, DeleteObjectInput, DeleteObjectOutput,
    DeleteObjectsInput, DeleteObjectsOutput, GetObjectInput, GetObjectOutput, HeadBucketInput,
    HeadBucketOutput, HeadObjectInput, HeadObjectOutput, ListObjectVersionsInput,
    ListObjectVersionsOutput, ListObjectsV2Input, ListObjectsV2Output, ObjectVersion,
    PutObjectInput, PutObjectOutput, UploadPartInput, UploadPartOutput,
};
use s3s::{S3, S3Error, S3ErrorCode, S3Request, S3Response, S3Result, s3_error};

use super::sidecar::{self, State};
use super::store::{Store, blocking, check};
use super::{body, room};

#[async_trait::async_trait]
impl S3 for Store {
    async fn get_object(
        &self,
        req: S3Request<GetObjectInput>,
    ) -> S3Result<S3Response<GetObjectOutput>> {
        let (bucket, key) = (req.input.bucket.clone(), req.input.key.clone());
        let (if_match, if_none_match) =
            (req.input.if_match.clone(), req.input.if_none_match.clone());
        let range = req.input.range;
        let path = self.path(&bucket, &key)?;
        let Some(state) = self.refresh(&bucket, &key).await? else {
            return Err(s3_error!(NoSuchKey));
        };
        let mut response = self.files.get_object(req).await?;
        check(
            response.output.e_tag.as_ref(),
            if_match.as_ref(),
            if_none_match.as_ref(),
        )?;

        let (file, size, now) = blocking(move || {
            let file = fs::File::open(&path)?;
            let metadata = file.metadata()?;
            Ok((file, metadata.len(), State::of(&metadata)))
        })
        .await?;
        if now != state {
            // The headers are of one version, the file is of another: the client tries again.
            return Err(s3_error!(
                ServiceUnavailable,
                "the object was replaced as it was opened"
            ));
        }
        let bytes = match range {
            None => 0..size,
            Some(range) => range.check(size)?,
        };
        response.output.body = Some(body::stream(file, bytes.start, bytes.end));
        Ok(response)
    }

    async fn head_object(
        &self,
        req: S3Request<HeadObjectInput>,
    ) -> S3Result<S3Response<HeadObjectOutput>> {
        let (if_match, if_none_match) =
            (req.input.if_match.clone(), req.input.if_none_match.clone());
        if self
            .refresh(&req.input.bucket, &req.input.key)
            .await?
            .is_none()
        {
            return Err(s3_error!(NoSuchKey));
        }
        let response = self.files.head_object(req).await?;
        check(
            response.output.e_tag.as_ref(),
            if_match.as_ref(),
            if_none_match.as_ref(),
        )?;
        Ok(response)
    }

    async fn put_object(
        &self,
        req: S3Request<PutObjectInput>,
    ) -> S3Result<S3Response<PutObjectOutput>> {
        let input = &req.input;
        let conditions = [input.if_match.as_ref(), input.if_none_match.as_ref()];
        let _turn = self.turn(&input.bucket, &input.key, conditions).await?;
        let put = self.files.put_object(req).await;
        put.map_err(|e| room::named(e, &self.root))
    }

    async fn copy_object(
        &self,
        req: S3Request<CopyObjectInput>,
    ) -> S3Result<S3Response<CopyObjectOutput>> {
        let input = req.input.clone();
        let CopySource::Bucket { bucket, key, .. } = &input.copy_source else {
            return Err(s3_error!(NotImplemented));
        };
        if **bucket != *input.bucket
            || input.copy_source_if_match.is_some()
            || input.copy_source_if_none_match.is_some()
        {
            return Err(s3_error!(NotImplemented));
        }
        let (from, to) = (
            self.path(bucket, key)?,
            self.path(&input.bucket, &input.key)?,
        );
        if self.refresh(bucket, key).await?.is_none() {
            return Err(s3_error!(NoSuchKey));
        }
        // s3s-fs copies into the place itself, where a reader sees half an object.
        let (root, bucket) = (self.root.clone(), input.bucket.clone());
        let (source, target) = (key.to_string(), input.key.clone());
        blocking(move || {
            let part = sidecar::temporary(&root);
            fs::copy(&from, &part)?;
            if let Some(folder) = to.parent() {
                fs::create_dir_all(folder)?;
            }
            fs::rename(&part, &to)?;
            sidecar::copy(&root, &bucket, &source, &target)
        })
        .await
        .map_err(|e| room::named(e, &self.root))?;
        let head = HeadObjectInput {
            bucket: input.bucket,
            key: input.key,
            ..HeadObjectInput::default()
        };
        let head = self
            .files
            .head_object(req.map_input(|_| head))
            .await?
            .output;
        Ok(S3Response::new(CopyObjectOutput {
            copy_object_result: Some(CopyObjectResult {
                e_tag: head.e_tag,
                last_modified: head.last_modified,
                ..CopyObjectResult::default()
            }),
            ..CopyObjectOutput::default()
        }))
    }

    async fn delete_object(
        &self,
        req: S3Request<DeleteObjectInput>,
    ) -> S3Result<S3Response<DeleteObjectOutput>> {
        let (bucket, key) = (req.input.bucket.clone(), req.input.key.clone());
        self.path(&bucket, &key)?;
        let response = self.files.delete_object(req).await?;
        self.forget(&bucket, &key).await?;
        Ok(response)
    }

    async fn delete_objects(
        &self,
        req: S3Request<DeleteObjectsInput>,
    ) -> S3Result<S3Response<DeleteObjectsOutput>> {
        let bucket = req.input.bucket.clone();
        let keys: Vec<String> = req
            .input
            .delete
            .objects
            .iter()
            .map(|object| object.key.clone())
            .collect();
        for key in &keys {
            self.path(&bucket, key)?;
        }
        let response = self.files.delete_objects(req).await?;
        for key in &keys {
            self.forget(&bucket, key).await?;
        }
        Ok(response)
    }

    async fn list_objects_v2(
        &self,
        req: S3Request<ListObjectsV2Input>,
    ) -> S3Result<S3Response<ListObjectsV2Output>> {
        self.files.list_objects_v2(req).await
    }

    /// There is one version of an object here, as in a bucket without versions.
    async fn list_object_versions(
        &self,
        req: S3Request<ListObjectVersionsInput>,
    ) -> S3Result<S3Response<ListObjectVersionsOutput>> {
        let input = req.input.clone();
        let list = ListObjectsV2Input {
            bucket: input.bucket.clone(),
            prefix: input.prefix.clone(),
            start_after: input.key_marker.clone(),
            max_keys: input.max_keys,
            ..ListObjectsV2Input::default()
        };
        let listed = self.files.list_objects_v2(req.map_input(|_| list)).await?;
        let listed = listed.output;
        let objects = listed.contents.unwrap_or_default();
        let versions = objects.into_iter().map(|object| ObjectVersion {
            e_tag: object.e_tag,
            is_latest: Some(true),
            key: object.key,
            last_modified: object.last_modified,
            size: object.size,
            version_id: Some("null".to_owned()),
            ..ObjectVersion::default()
        });
        Ok(S3Response::new(ListObjectVersionsOutput {
            is_truncated: listed.is_truncated,
            key_marker: input.key_marker,
            max_keys: listed.max_keys,
            name: Some(input.bucket),
            next_key_marker: listed.next_continuation_token,
            prefix: input.prefix,
            versions: Some(versions.collect()),
            ..ListObjectVersionsOutput::default()
        }))
    }

    async fn head_bucket(
        &self,
        req: S3Request<HeadBucketInput>,
    ) -> S3Result<S3Response<HeadBucketOutput>> {
        self.files.head_bucket(req).await
    }

    async fn create_multipart_upload(
        &self,
        req: S3Request<CreateMultipartUploadInput>,
    ) -> S3Result<S3Response<CreateMultipartUploadOutput>> {
        self.path(&req.input.bucket, &req.input.key)?;
        let created = self.files.create_multipart_upload(req).await;
        created.map_err(|e| room::named(e, &self.root))
    }

    async fn upload_part(
        &self,
        req: S3Request<UploadPartInput>,
    ) -> S3Result<S3Response<UploadPartOutput>> {
        let sent = self.files.upload_part(req).await;
        sent.map_err(|e| room::named(no_upload(e), &self.root))
    }

    async fn complete_multipart_upload(
        &self,
        req: S3Request<CompleteMultipartUploadInput>,
    ) -> S3Result<S3Response<CompleteMultipartUploadOutput>> {
        let input = &req.input;
        let conditions = [input.if_match.as_ref(), input.if_none_match.as_ref()];
        let _turn = self.turn(&input.bucket, &input.key, conditions).await?;
        let completed = self.files.complete_multipart_upload(req).await;
        completed.map_err(|e| room::named(no_upload(e), &self.root))
    }

    async fn abort_multipart_upload(
        &self,
        req: S3Request<AbortMultipartUploadInput>,
    ) -> S3Result<S3Response<AbortMultipartUploadOutput>> {
        let aborted = self.files.abort_multipart_upload(req).await;
        aborted.map_err(no_upload)
    }
}

/// s3s-fs denies access to an upload that is not there. There is one key here, so it can't be
/// somebody else's.
fn no_upload(error: S3Error) -> S3Error {
    match error.code() {
        S3ErrorCode::AccessDenied => s3_error!(NoSuchUpload),
        _ => error,
    }
}
