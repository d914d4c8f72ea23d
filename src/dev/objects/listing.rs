//! One page of `ListObjectsV2`.

use std::collections::BTreeMap;

use s3s::dto::{CommonPrefix, ETag, ListObjectsV2Input, ListObjectsV2Output, Object};
use s3s::{S3Result, s3_error};

use super::bucket::Record;

const MAXIMUM_KEYS: i32 = 1000;

/// Lists from `index` what the request asks for.
pub(super) fn page(
    index: &BTreeMap<String, Record>,
    input: ListObjectsV2Input,
) -> S3Result<ListObjectsV2Output> {
    let max_keys = input.max_keys.unwrap_or(MAXIMUM_KEYS).clamp(0, MAXIMUM_KEYS);
    let limit = usize::try_from(max_keys).unwrap_or_default();
    let after = match &input.continuation_token {
        Some(token) => Some(read_token(token)?),
        None => input.start_after.clone(),
    };
    let prefix = input.prefix.clone().unwrap_or_default();
    let delimiter = input.delimiter.clone().filter(|delimiter| !delimiter.is_empty());

    let mut contents = Vec::new();
    let mut prefixes: Vec<String> = Vec::new();
    let mut last = None;
    let mut is_truncated = false;
    for (key, record) in index
        .range(prefix.clone()..)
        .take_while(|(key, _)| key.starts_with(&prefix))
    {
        let group = delimiter
            .as_deref()
            .and_then(|delimiter| common_prefix(key, &prefix, delimiter));
        let entry = group.unwrap_or(key);
        let seen = group.is_some() && prefixes.last().map(String::as_str) == group;
        if seen || after.as_deref().is_some_and(|after| entry <= after) {
            continue;
        }
        if contents.len() + prefixes.len() == limit {
            is_truncated = limit > 0;
            break;
        }
        last = Some(hex::encode(entry));
        match group {
            Some(group) => prefixes.push(group.to_owned()),
            None => contents.push(describe(record)),
        }
    }
    Ok(ListObjectsV2Output {
        key_count: i32::try_from(contents.len() + prefixes.len()).ok(),
        contents: Some(contents),
        common_prefixes: Some(
            prefixes
                .into_iter()
                .map(|prefix| CommonPrefix { prefix: Some(prefix) })
                .collect(),
        ),
        is_truncated: Some(is_truncated),
        next_continuation_token: last.filter(|_| is_truncated),
        max_keys: Some(max_keys),
        name: Some(input.bucket),
        prefix: input.prefix,
        delimiter,
        start_after: input.start_after,
        continuation_token: input.continuation_token,
        ..ListObjectsV2Output::default()
    })
}

/// The part of `key` up to the first delimiter after `prefix`.
fn common_prefix<'a>(key: &'a str, prefix: &str, delimiter: &str) -> Option<&'a str> {
    let rest = key.get(prefix.len()..)?;
    let end = rest.find(delimiter)? + delimiter.len();
    key.get(..prefix.len() + end)
}

/// A token is the last entry of the page before, in hex because keys may hold anything.
fn read_token(token: &str) -> S3Result<String> {
    hex::decode(token)
        .ok()
        .and_then(|bytes| String::from_utf8(bytes).ok())
        .ok_or_else(|| s3_error!(InvalidArgument, "The continuation token provided is incorrect."))
}

fn describe(record: &Record) -> Object {
    Object {
        key: Some(record.key.clone()),
        e_tag: Some(ETag::Strong(record.etag.clone())),
        size: i64::try_from(record.size).ok(),
        last_modified: Some(record.last_modified.clone()),
        ..Object::default()
    }
}
