//! Reading objects: GET and HEAD, with ranges and conditions.

use std::io::{Seek, SeekFrom};

use s3s::dto::{ETag, GetObjectInput, GetObjectOutput, HeadObjectInput, HeadObjectOutput, StreamingBlob};
use s3s::{S3Error, S3Response, S3Result};
use tokio::io::AsyncReadExt;
use tokio_util::io::ReaderStream;

use super::conditions::Conditions;
use super::operations::Operations;
use super::refusals::refuse_overrides;

const READ_CHUNK: usize = 64 * 1024;

/// The conditions of a read; its two inputs share these fields but no trait.
macro_rules! read_conditions {
    ($input:expr) => {
        Conditions {
            if_match: $input.if_match,
            if_none_match: $input.if_none_match,
            if_modified_since: $input.if_modified_since,
            if_unmodified_since: $input.if_unmodified_since,
        }
    };
}

/// The answer about an object, with or without its body.
macro_rules! described {
    ($output:ident, $record:expr) => {
        $output {
            accept_ranges: Some("bytes".to_owned()),
            content_length: i64::try_from($record.size).ok(),
            e_tag: Some(ETag::Strong($record.etag)),
            last_modified: Some($record.last_modified),
            content_type: $record.headers.content_type,
            cache_control: $record.headers.cache_control,
            content_disposition: $record.headers.content_disposition,
            content_encoding: $record.headers.content_encoding,
            content_language: $record.headers.content_language,
            expires: $record.headers.expires,
            metadata: Some($record.headers.metadata),
            ..$output::default()
        }
    };
}

impl Operations {
    pub(super) async fn get(&self, input: GetObjectInput) -> S3Result<S3Response<GetObjectOutput>> {
        self.ours(&input.bucket)?;
        refuse_overrides(&input)?;
        let (record, file, span) = self
            .work(move |bucket, _| {
                let (record, mut file) = bucket.open_object(&input.key)?;
                read_conditions!(input).allow_read(&record)?;
                let span = input.range.map(|range| range.check(record.size)).transpose()?;
                let start = span.as_ref().map_or(0, |span| span.start);
                file.seek(SeekFrom::Start(start))
                    .map_err(S3Error::internal_error)?;
                Ok((record, file, span))
            })
            .await?;
        let total = record.size;
        let mut output = described!(GetObjectOutput, record);
        let mut length = total;
        if let Some(span) = span {
            length = span.end - span.start;
            output.content_length = i64::try_from(length).ok();
            output.content_range = Some(format!(
                "bytes {}-{}/{total}",
                span.start,
                span.end.saturating_sub(1)
            ));
        }
        let file = tokio::fs::File::from_std(file).take(length);
        output.body = Some(StreamingBlob::wrap(ReaderStream::with_capacity(file, READ_CHUNK)));
        Ok(S3Response::new(output))
    }

    pub(super) fn head(&self, input: HeadObjectInput) -> S3Result<S3Response<HeadObjectOutput>> {
        self.ours(&input.bucket)?;
        let record = self.bucket.find(&input.key)?;
        read_conditions!(input).allow_read(&record)?;
        Ok(S3Response::new(described!(HeadObjectOutput, record)))
    }
}
