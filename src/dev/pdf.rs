//! Small PDFs 1.7 of one page, written by hand (ISO 32000-1, 7.5).

use std::fmt::Write;

use axum::body::{Body, Bytes};
use futures_util::{StreamExt, stream};

/// What a PDF shows, and what it has in it.
pub struct Sheet<'s> {
    /// Its title, in ASCII.
    pub title: &'s str,
    /// What made it.
    pub producer: &'s str,
    /// What stands on the page; some fifty lines fit.
    pub lines: &'s [String],
    /// A file in it, and its name.
    pub attached: Option<(&'s str, &'s [u8])>,
}

/// The bytes before and after as many zeros as it takes to be as large as wished. They are in no object that is shown.
pub struct Pdf {
    before: Vec<u8>,
    zeros: usize,
    after: Vec<u8>,
}

/// Zeros written at a time.
const PIECE: usize = 64 * 1024;

impl Pdf {
    /// The sheet, in a file that has so many zeros more than it need have.
    pub fn of(sheet: &Sheet<'_>, zeros: usize) -> Self {
        let objects = objects(sheet);
        let mut before = b"%PDF-1.7\n%\xE2\xE3\xCF\xD3\n".to_vec();
        let mut places = Vec::new();
        for (number, object) in (1..).zip(&objects) {
            places.push(before.len());
            before.extend(format!("{number} 0 obj\n").into_bytes());
            before.extend(object);
            before.extend(b"\nendobj\n");
        }
        places.push(before.len());
        let last = places.len();
        before.extend(format!("{last} 0 obj\n<< /Length {zeros} >>\nstream\n").into_bytes());
        let tail = "\nendstream\nendobj\n";
        let after = end(&places, before.len() + zeros + tail.len());
        Self {
            before,
            zeros,
            after: [tail, &after].concat().into_bytes(),
        }
    }

    /// Its length.
    pub fn len(&self) -> usize {
        self.before.len() + self.zeros + self.after.len()
    }

    /// All of it.
    pub fn bytes(self) -> Vec<u8> {
        [self.before, vec![0; self.zeros], self.after].concat()
    }

    /// The same, of which only a piece is in memory at a time.
    pub fn body(self) -> Body {
        let zeros = Bytes::from(vec![0; PIECE]);
        let whole = stream::repeat(zeros.clone()).take(self.zeros / PIECE);
        let rest = zeros.slice(..self.zeros % PIECE);
        let pieces = stream::iter([Bytes::from(self.before)])
            .chain(whole)
            .chain(stream::iter([rest, Bytes::from(self.after)]));
        Body::from_stream(pieces.map(Ok::<_, std::io::Error>))
    }
}

fn objects(sheet: &Sheet<'_>) -> Vec<Vec<u8>> {
    let content = content(sheet.lines);
    let (title, producer) = (escaped(sheet.title), escaped(sheet.producer));
    let names = sheet.attached.map(|(name, _)| {
        let name = escaped(name);
        format!(" /Names << /EmbeddedFiles << /Names [({name}) 8 0 R] >> >> /PageMode /UseAttachments")
    });
    let names = names.unwrap_or_default();
    let texts = [
        format!("<< /Type /Catalog /Pages 2 0 R /Lang (es-MX){names} >>"),
        "<< /Type /Pages /Kids [3 0 R] /Count 1 >>".to_owned(),
        "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents 5 0 R \
         /Resources << /Font << /F1 4 0 R >> >> >>"
            .to_owned(),
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>".to_owned(),
        format!("<< /Length {} >>\nstream\n{content}\nendstream", content.len()),
        format!("<< /Title ({title}) /Producer ({producer}) >>"),
    ];
    let mut objects: Vec<Vec<u8>> = texts.map(String::into_bytes).into();
    if let Some((name, file)) = sheet.attached {
        let head = format!("<< /Type /EmbeddedFile /Length {} >>\nstream\n", file.len());
        objects.push([head.as_bytes(), file, b"\nendstream"].concat());
        let name = escaped(name);
        objects.push(format!("<< /Type /Filespec /F ({name}) /EF << /F 7 0 R >> >>").into_bytes());
    }
    objects
}

/// The table of where each object begins, and where that table begins.
fn end(places: &[usize], table: usize) -> String {
    let count = places.len() + 1;
    let mut text = format!("xref\n0 {count}\n0000000000 65535 f \n");
    for place in places {
        // Writing to a text does not fail.
        let _ = writeln!(text, "{place:010} 00000 n ");
    }
    let _ = write!(
        text,
        "trailer\n<< /Size {count} /Root 1 0 R /Info 6 0 R >>\nstartxref\n{table}\n%%EOF\n"
    );
    text
}

fn content(lines: &[String]) -> String {
    let mut content = String::from("BT /F1 10 Tf 14 TL 50 742 Td\n");
    for line in lines {
        let _ = writeln!(content, "({}) Tj T*", escaped(line));
    }
    content.push_str("ET");
    content
}

/// As a PDF's text in WinAnsi has it.
fn escaped(text: &str) -> String {
    let mut escaped = String::new();
    for letter in text.chars() {
        match letter {
            '(' | ')' | '\\' => escaped.extend(['\\', letter]),
            ' '..='~' => escaped.push(letter),
            '\u{a0}'..='\u{ff}' => {
                let _ = write!(escaped, "\\{:03o}", u32::from(letter));
            }
            _ => escaped.push('?'),
        }
    }
    escaped
}
