//! Writing objects: whole, copied, or in parts.

use s3s::dto::{
    Checksum, CompleteMultipartUploadInput, CompleteMultipartUploadOutput, CopyObjectInput, CopyObjectOutput,
    CopyObjectResult, CopySource, ETag, MetadataDirective, PutObjectInput, PutObjectOutput, UploadPartInput,
    UploadPartOutput,
};
use s3s::{S3Error, S3Request, S3Response, S3Result, s3_error};

use super::bucket::{Bucket, Record};
use super::conditions::Conditions;
use super::headers::Headers;
use super::multipart::Uploads;
use super::operations::Operations;
use super::refusals::refuse_unsupported;
use super::spool::{Declared, Spooled};

/// What was declared about a body; the two inputs that carry one share these fields but no trait.
macro_rules! declared {
    ($input:expr) => {
        Declared {
            length: $input.content_length,
            md5: $input.content_md5.take(),
            checksum: Checksum {
                checksum_crc32: $input.checksum_crc32.take(),
                checksum_crc32c: $input.checksum_crc32c.take(),
                checksum_crc64nvme: $input.checksum_crc64nvme.take(),
                checksum_sha1: $input.checksum_sha1.take(),
                checksum_sha256: $input.checksum_sha256.take(),
                ..Checksum::default()
            },
        }
    };
}

impl Operations {
    pub(super) async fn put(&self, req: S3Request<PutObjectInput>) -> S3Result<S3Response<PutObjectOutput>> {
        let mut input = req.input;
        self.ours(&input.bucket)?;
        refuse_unsupported(&req.headers)?;
        let headers = Headers::from(&input).within_limits()?;
        let conditions = Conditions {
            if_match: input.if_match.take(),
            if_none_match: input.if_none_match.take(),
            ..Conditions::default()
        };
        self.bucket.allow_write(&input.key, &conditions)?;
        let declared = declared!(input);
        let body = Spooled::receive(&self.bucket.spool, input.body, &declared).await?;
        let etag = hex::encode(body.md5);
        let record = self
            .work(move |bucket, _| bucket.commit(&input.key, etag, headers, body, &conditions))
            .await?;
        Ok(S3Response::new(PutObjectOutput {
            e_tag: Some(ETag::Strong(record.etag)),
            ..PutObjectOutput::default()
        }))
    }

    pub(super) async fn copy(
        &self,
        req: S3Request<CopyObjectInput>,
    ) -> S3Result<S3Response<CopyObjectOutput>> {
        let input = req.input;
        self.ours(&input.bucket)?;
        refuse_unsupported(&req.headers)?;
        let CopySource::Bucket {
            bucket, key: source, ..
        } = input.copy_source.clone()
        else {
            return Err(s3_error!(NotImplemented, "Only a bucket can be copied from"));
        };
        self.ours(&bucket)?;
        let record = self.work(move |bucket, _| copy(bucket, &source, &input)).await?;
        let result = CopyObjectResult {
            e_tag: Some(ETag::Strong(record.etag)),
            last_modified: Some(record.last_modified),
            ..CopyObjectResult::default()
        };
        Ok(S3Response::new(CopyObjectOutput {
            copy_object_result: Some(result),
            ..CopyObjectOutput::default()
        }))
    }

    pub(super) async fn add_part(
        &self,
        req: S3Request<UploadPartInput>,
    ) -> S3Result<S3Response<UploadPartOutput>> {
        let mut input = req.input;
        self.ours(&input.bucket)?;
        refuse_unsupported(&req.headers)?;
        self.uploads
            .expects(&input.upload_id, &input.key, input.part_number)?;
        let declared = declared!(input);
        let part = Spooled::receive(&self.bucket.spool, input.body, &declared).await?;
        let etag = self
            .uploads
            .add(&input.upload_id, &input.key, input.part_number, part)?;
        Ok(S3Response::new(UploadPartOutput {
            e_tag: Some(ETag::Strong(etag)),
            ..UploadPartOutput::default()
        }))
    }

    pub(super) async fn complete(
        &self,
        input: CompleteMultipartUploadInput,
    ) -> S3Result<S3Response<CompleteMultipartUploadOutput>> {
        self.ours(&input.bucket)?;
        let (bucket, key) = (input.bucket.clone(), input.key.clone());
        let record = self
            .work(move |bucket, uploads| complete(bucket, uploads, input))
            .await?;
        Ok(S3Response::new(CompleteMultipartUploadOutput {
            bucket: Some(bucket),
            key: Some(key),
            e_tag: Some(ETag::Strong(record.etag)),
            ..CompleteMultipartUploadOutput::default()
        }))
    }
}

fn copy(bucket: &Bucket, source: &str, input: &CopyObjectInput) -> S3Result<Record> {
    let (original, mut file) = bucket.open_object(source)?;
    let conditions = Conditions {
        if_match: input.copy_source_if_match.clone(),
        if_none_match: input.copy_source_if_none_match.clone(),
        ..Conditions::default()
    };
    conditions.allow_write(Some(&original))?;
    let replace = input
        .metadata_directive
        .as_ref()
        .is_some_and(|it| it.as_str() == MetadataDirective::REPLACE);
    let headers = if replace {
        Headers::from(input).within_limits()?
    } else {
        original.headers
    };
    let body = Spooled::copy_of(&bucket.spool, &mut file).map_err(S3Error::internal_error)?;
    bucket.commit(&input.key, original.etag, headers, body, &Conditions::default())
}

fn complete(bucket: &Bucket, uploads: &Uploads, input: CompleteMultipartUploadInput) -> S3Result<Record> {
    let conditions = Conditions {
        if_match: input.if_match,
        if_none_match: input.if_none_match,
        ..Conditions::default()
    };
    let named = input
        .multipart_upload
        .and_then(|upload| upload.parts)
        .unwrap_or_default();
    let whole = uploads.assemble(&input.upload_id, &input.key, &named, &bucket.spool)?;
    let record = bucket.commit(&input.key, whole.etag, whole.headers, whole.body, &conditions)?;
    uploads.remove(&input.upload_id, &input.key)?;
    Ok(record)
}
