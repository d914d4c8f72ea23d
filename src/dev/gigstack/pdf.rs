//! The printed form of an invoice: a small PDF 1.7, written by hand (ISO 32000-1, 7.5).

use std::fmt::Write;

use axum::body::{Body, Bytes};
use futures_util::{StreamExt, stream};

use super::state::Invoice;

/// The bytes before and after as many zeros as it takes to be as large as wished. They are in no object that is shown.
pub(super) struct Pdf {
    before: Vec<u8>,
    zeros: usize,
    after: Vec<u8>,
}

/// Zeros written at a time.
const PIECE: usize = 64 * 1024;

impl Pdf {
    pub(super) fn of(invoice: &Invoice, zeros: usize) -> Self {
        let content = content(invoice);
        let objects = [
            "<< /Type /Catalog /Pages 2 0 R /Lang (es-MX) >>".to_owned(),
            "<< /Type /Pages /Kids [3 0 R] /Count 1 >>".to_owned(),
            "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents 5 0 R \
             /Resources << /Font << /F1 4 0 R >> >> >>"
                .to_owned(),
            "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>".to_owned(),
            format!("<< /Length {} >>\nstream\n{content}\nendstream", content.len()),
            "<< /Title (CFDI) /Producer (Simulador de Gigstack) >>".to_owned(),
        ];
        let mut before = b"%PDF-1.7\n%\xE2\xE3\xCF\xD3\n".to_vec();
        let mut places = Vec::new();
        for (number, object) in (1..).zip(&objects) {
            places.push(before.len());
            before.extend(format!("{number} 0 obj\n{object}\nendobj\n").into_bytes());
        }
        places.push(before.len());
        before.extend(format!("7 0 obj\n<< /Length {zeros} >>\nstream\n").into_bytes());
        let tail = "\nendstream\nendobj\n";
        let after = end(&places, before.len() + zeros + tail.len());
        Self {
            before,
            zeros,
            after: [tail, &after].concat().into_bytes(),
        }
    }

    pub(super) fn len(&self) -> usize {
        self.before.len() + self.zeros + self.after.len()
    }

    pub(super) fn bytes(self) -> Vec<u8> {
        [self.before, vec![0; self.zeros], self.after].concat()
    }

    /// The same, of which only a piece is in memory at a time.
    pub(super) fn body(self) -> Body {
        let zeros = Bytes::from(vec![0; PIECE]);
        let whole = stream::repeat(zeros.clone()).take(self.zeros / PIECE);
        let rest = zeros.slice(..self.zeros % PIECE);
        let pieces = stream::iter([Bytes::from(self.before)])
            .chain(whole)
            .chain(stream::iter([rest, Bytes::from(self.after)]));
        Body::from_stream(pieces.map(Ok::<_, std::io::Error>))
    }
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

fn content(invoice: &Invoice) -> String {
    let document = &invoice.cfdi;
    let mut lines = vec![
        "Este documento es una representación impresa de un CFDI 4.0".to_owned(),
        format!("Folio fiscal: {}", invoice.uuid.to_string().to_uppercase()),
        format!(
            "Serie y folio: {} {}",
            document.serie.as_deref().unwrap_or_default(),
            document.folio.as_deref().unwrap_or_default()
        ),
        format!("Emisor: {} {}", document.emisor.rfc, document.emisor.nombre),
        format!("Receptor: {} {}", document.receptor.rfc, document.receptor.nombre),
        format!("Lugar de expedición: {}", document.lugar_expedicion),
    ];
    // One page is enough for a simulator.
    for line in document.conceptos.iter().take(20) {
        lines.push(format!("{}  {}", line.importe, line.descripcion));
    }
    lines.push(format!("Subtotal: {}", document.subtotal()));
    lines.push(format!("IVA: {}", document.total() - document.subtotal()));
    lines.push(format!("Total: {} {}", document.total(), document.moneda));
    lines.push("Documento de un simulador, sin validez fiscal".to_owned());
    let mut content = String::from("BT /F1 10 Tf 14 TL 50 742 Td\n");
    for line in lines {
        let _ = writeln!(content, "({}) Tj T*", escaped(&line));
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
