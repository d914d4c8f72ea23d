//! Whether what comes as a PDF is one, as it streams by: its first bytes, its last, its size. An error page that was
//! saved as .pdf is what goes wrong most often.

use bytes::Bytes;
use futures_util::{Stream, StreamExt as _, stream};

use super::outbound::DownloadError;

/// The smallest PDF with a page is larger.
const SMALLEST: u64 = 300;

/// The end mark stands within these last bytes (ISO 32000, 7.5.5; readers look as far).
const TAIL: usize = 1024;

/// Whether these bytes are a page for people: what a proxy or a store answers in place of a file.
pub fn is_page(bytes: &[u8]) -> bool {
    let head: String = bytes
        .iter()
        .take(200)
        .map(|byte| char::from(*byte).to_ascii_lowercase())
        .collect();
    let head = head.trim_start_matches(['\u{ef}', '\u{bb}', '\u{bf}', ' ', '\r', '\n', '\t']);
    head.starts_with("<!doctype html") || head.starts_with("<html")
}

/// Whether these bytes are a PDF, from its first mark to its last.
pub fn is_whole(bytes: &[u8]) -> bool {
    let mut checked = Checked::default();
    checked.take(bytes).is_ok() && checked.end().is_ok()
}

/// Passes the bytes on; ends in an error when they are no PDF, so that the store keeps nothing of them.
pub fn checked<S>(source: S) -> impl Stream<Item = Result<Bytes, DownloadError>> + Send
where
    S: Stream<Item = Result<Bytes, DownloadError>> + Send + Unpin,
{
    stream::unfold(Some((source, Checked::default())), |state| async move {
        let (mut source, mut checked) = state?;
        match source.next().await {
            Some(Ok(piece)) => match checked.take(&piece) {
                Ok(()) => Some((Ok(piece), Some((source, checked)))),
                Err(why) => Some((Err(no_pdf(why)), None)),
            },
            Some(Err(error)) => Some((Err(error), None)),
            None => checked.end().err().map(|why| (Err(no_pdf(why)), None)),
        }
    })
    .fuse()
}

#[derive(Default)]
struct Checked {
    head: Vec<u8>,
    tail: Vec<u8>,
    seen: u64,
}

impl Checked {
    fn take(&mut self, piece: &[u8]) -> Result<(), &'static str> {
        const MARK: &[u8] = b"%PDF-";
        let missing = MARK.len().saturating_sub(self.head.len());
        self.head.extend(piece.iter().take(missing));
        self.seen += piece.len() as u64;
        self.tail
            .extend(piece.iter().skip(piece.len().saturating_sub(TAIL)));
        let old = self.tail.len().saturating_sub(TAIL);
        self.tail.drain(..old);
        if MARK.starts_with(&self.head) {
            Ok(())
        } else {
            Err("it does not begin with %PDF-")
        }
    }

    fn end(&self) -> Result<(), &'static str> {
        if self.seen < SMALLEST {
            return Err("it is too small");
        }
        let ends = self.tail.windows(5).any(|window| window == b"%%EOF");
        if ends {
            Ok(())
        } else {
            Err("it does not end with %%EOF")
        }
    }
}

fn no_pdf(why: &'static str) -> DownloadError {
    DownloadError::Inexact {
        host: "the PDF".to_owned(),
        why,
    }
}
