//! The operations of the S3 API; the rest answer 501, as `s3s` does for what is not overridden.

use std::sync::Arc;

use async_trait::async_trait;
use s3s::dto::{
    AbortMultipartUploadInput, AbortMultipartUploadOutput, CompleteMultipartUploadInput,
    CompleteMultipartUploadOutput, CopyObjectInput, CopyObjectOutput, CreateBucketInput, CreateBucketOutput,
    CreateMultipartUploadInput, CreateMultipartUploadOutput, DeleteObjectInput, DeleteObjectOutput,
    DeleteObjectsInput, DeleteObjectsOutput, DeletedObject, GetObjectInput, GetObjectOutput, HeadBucketInput,
    HeadBucketOutput, HeadObjectInput, HeadObjectOutput, ListMultipartUploadsInput,
    ListMultipartUploadsOutput, ListObjectsV2Input, ListObjectsV2Output, ListPartsInput, ListPartsOutput,
    PostObjectInput, PostObjectOutput, PutObjectInput, PutObjectOutput, UploadPartInput, UploadPartOutput,
};
use s3s::{S3, S3Error, S3Request, S3Response, S3Result, s3_error};

use super::bucket::Bucket;
use super::headers::Headers;
use super::listing;
use super::multipart::Uploads;
use super::refusals::refuse_unsupported;

const MAXIMUM_DELETES: usize = 1000;

/// The bucket and the uploads into it, as the protocol sees them.
pub(super) struct Operations {
    pub(super) bucket: Arc<Bucket>,
    pub(super) uploads: Arc<Uploads>,
}

impl Operations {
    pub(super) fn ours(&self, bucket: &str) -> S3Result<()> {
        if bucket == self.bucket.name {
            return Ok(());
        }
        Err(s3_error!(NoSuchBucket, "The specified bucket does not exist."))
    }

    /// Runs file work to its end on a blocking thread, even when the client has gone away.
    pub(super) async fn work<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Bucket, &Uploads) -> S3Result<T> + Send + 'static,
    ) -> S3Result<T> {
        let (bucket, uploads) = (self.bucket.clone(), self.uploads.clone());
        tokio::task::spawn_blocking(move || work(&bucket, &uploads))
            .await
            .map_err(S3Error::internal_error)?
    }
}

#[async_trait]
impl S3 for Operations {
    async fn put_object(&self, req: S3Request<PutObjectInput>) -> S3Result<S3Response<PutObjectOutput>> {
        self.put(req).await
    }

    async fn post_object(&self, _: S3Request<PostObjectInput>) -> S3Result<S3Response<PostObjectOutput>> {
        Err(s3_error!(
            NotImplemented,
            "Uploads by HTML form are not implemented"
        ))
    }

    async fn get_object(&self, req: S3Request<GetObjectInput>) -> S3Result<S3Response<GetObjectOutput>> {
        self.get(req.input).await
    }

    async fn head_object(&self, req: S3Request<HeadObjectInput>) -> S3Result<S3Response<HeadObjectOutput>> {
        self.head(req.input)
    }

    async fn copy_object(&self, req: S3Request<CopyObjectInput>) -> S3Result<S3Response<CopyObjectOutput>> {
        self.copy(req).await
    }

    async fn delete_object(
        &self,
        req: S3Request<DeleteObjectInput>,
    ) -> S3Result<S3Response<DeleteObjectOutput>> {
        self.ours(&req.input.bucket)?;
        self.work(move |bucket, _| bucket.remove(&req.input.key)).await?;
        Ok(S3Response::new(DeleteObjectOutput::default()))
    }

    async fn delete_objects(
        &self,
        req: S3Request<DeleteObjectsInput>,
    ) -> S3Result<S3Response<DeleteObjectsOutput>> {
        let input = req.input;
        self.ours(&input.bucket)?;
        if input.delete.objects.len() > MAXIMUM_DELETES {
            return Err(s3_error!(
                MalformedXML,
                "At most {MAXIMUM_DELETES} keys can be deleted at once."
            ));
        }
        let quiet = input.delete.quiet.unwrap_or(false);
        let deleted = self
            .work(move |bucket, _| {
                let keys = input.delete.objects.into_iter().map(|object| object.key);
                keys.map(|key| bucket.remove(&key).map(|()| key))
                    .collect::<S3Result<Vec<_>>>()
            })
            .await?;
        let deleted = deleted.into_iter().map(|key| DeletedObject {
            key: Some(key),
            ..DeletedObject::default()
        });
        let deleted = (!quiet).then(|| deleted.collect());
        Ok(S3Response::new(DeleteObjectsOutput {
            deleted,
            ..DeleteObjectsOutput::default()
        }))
    }

    async fn list_objects_v2(
        &self,
        req: S3Request<ListObjectsV2Input>,
    ) -> S3Result<S3Response<ListObjectsV2Output>> {
        self.ours(&req.input.bucket)?;
        listing::page(&self.bucket.read(), req.input).map(S3Response::new)
    }

    async fn head_bucket(&self, req: S3Request<HeadBucketInput>) -> S3Result<S3Response<HeadBucketOutput>> {
        self.ours(&req.input.bucket)?;
        Ok(S3Response::new(HeadBucketOutput::default()))
    }

    async fn create_bucket(
        &self,
        req: S3Request<CreateBucketInput>,
    ) -> S3Result<S3Response<CreateBucketOutput>> {
        if req.input.bucket == self.bucket.name {
            return Err(s3_error!(
                BucketAlreadyOwnedByYou,
                "The bucket exists since the store was opened."
            ));
        }
        Err(s3_error!(AccessDenied, "This key pair is for one bucket."))
    }

    async fn create_multipart_upload(
        &self,
        req: S3Request<CreateMultipartUploadInput>,
    ) -> S3Result<S3Response<CreateMultipartUploadOutput>> {
        let input = req.input;
        self.ours(&input.bucket)?;
        refuse_unsupported(&req.headers)?;
        let headers = Headers::from(&input).within_limits()?;
        let upload_id = self.uploads.create(input.key.clone(), headers);
        Ok(S3Response::new(CreateMultipartUploadOutput {
            bucket: Some(input.bucket),
            key: Some(input.key),
            upload_id: Some(upload_id),
            ..CreateMultipartUploadOutput::default()
        }))
    }

    async fn upload_part(&self, req: S3Request<UploadPartInput>) -> S3Result<S3Response<UploadPartOutput>> {
        self.add_part(req).await
    }

    async fn list_parts(&self, req: S3Request<ListPartsInput>) -> S3Result<S3Response<ListPartsOutput>> {
        let input = req.input;
        self.ours(&input.bucket)?;
        let parts = self.uploads.list(&input.upload_id, &input.key)?;
        Ok(S3Response::new(ListPartsOutput {
            bucket: Some(input.bucket),
            key: Some(input.key),
            upload_id: Some(input.upload_id),
            parts: Some(parts),
            is_truncated: Some(false),
            ..ListPartsOutput::default()
        }))
    }

    async fn list_multipart_uploads(
        &self,
        req: S3Request<ListMultipartUploadsInput>,
    ) -> S3Result<S3Response<ListMultipartUploadsOutput>> {
        let input = req.input;
        self.ours(&input.bucket)?;
        let uploads = self
            .uploads
            .in_progress(input.prefix.as_deref().unwrap_or_default());
        Ok(S3Response::new(ListMultipartUploadsOutput {
            bucket: Some(input.bucket),
            uploads: Some(uploads),
            is_truncated: Some(false),
            ..ListMultipartUploadsOutput::default()
        }))
    }

    async fn complete_multipart_upload(
        &self,
        req: S3Request<CompleteMultipartUploadInput>,
    ) -> S3Result<S3Response<CompleteMultipartUploadOutput>> {
        self.complete(req.input).await
    }

    async fn abort_multipart_upload(
        &self,
        req: S3Request<AbortMultipartUploadInput>,
    ) -> S3Result<S3Response<AbortMultipartUploadOutput>> {
        self.ours(&req.input.bucket)?;
        self.uploads.remove(&req.input.upload_id, &req.input.key)?;
        Ok(S3Response::new(AbortMultipartUploadOutput::default()))
    }
}
