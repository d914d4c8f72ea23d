//! A payload as the panel shows it: what may be about a person is covered. What is shown is what is known to be harmless:
//! ids, codes, times, amounts; everything else is covered, so that a field that a provider adds is, too.

use serde_json::Value;

/// Names whose whole value is covered, whatever is in it.
const PERSONAL: [&str; 40] = [
    "address",
    "billing_details",
    "card",
    "client",
    "client_secret",
    "cliente",
    "correo",
    "customer_address",
    "customer_details",
    "customer_email",
    "customer_name",
    "customer_phone",
    "customer_shipping",
    "customer_tax_ids",
    "description",
    "domicilio",
    "email",
    "emails",
    "fullname",
    "last4",
    "legal_name",
    "name",
    "nombre",
    "owner",
    "payment_method_details",
    "phone",
    "phone_number",
    "razon_social",
    "receipt_email",
    "receptor",
    "rfc",
    "shipping",
    "signature",
    "signatory",
    "signers",
    "statement_descriptor",
    "tax_id",
    "tax_ids",
    "telefono",
    "token",
];
/// Longer ones are no code.
const LONGEST: usize = 80;

/// The payload, indented, or why there is none to show.
pub(super) fn shown(payload: &[u8]) -> String {
    match serde_json::from_slice::<Value>(payload) {
        Ok(mut value) => {
            cover(&mut value);
            serde_json::to_string_pretty(&value).unwrap_or_default()
        }
        Err(_) => format!("(no es JSON: {} bytes que no se muestran)", payload.len()),
    }
}

fn cover(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                if PERSONAL.contains(&name.to_ascii_lowercase().as_str()) {
                    cover_all(value);
                } else {
                    cover(value);
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(cover),
        Value::String(text) if !is_code(text) => *text = covered(text),
        _ => {}
    }
}

fn cover_all(value: &mut Value) {
    match value {
        Value::Object(fields) => fields.values_mut().for_each(cover_all),
        Value::Array(items) => items.iter_mut().for_each(cover_all),
        Value::String(text) => *text = covered(text),
        Value::Number(_) => *value = Value::String("•••".to_owned()),
        Value::Bool(_) | Value::Null => {}
    }
}

fn covered(text: &str) -> String {
    match text.chars().count() {
        0 => String::new(),
        letters => format!("••• ({letters})"),
    }
}

/// An id, a code, a time, an amount: letters and digits of ASCII with `_ . : -` between, and neither a number that could
/// be called nor a tax id.
fn is_code(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b':' | b'-' | b'+');
    let digits = text.bytes().filter(u8::is_ascii_digit).count();
    let only_digits = digits > 6
        && text
            .bytes()
            .all(|byte| byte.is_ascii_digit() || matches!(byte, b'+' | b'-'));
    text.len() <= LONGEST && text.bytes().all(plain) && !only_digits && !is_rfc(text)
}

/// Three or four letters, a date, three more: the RFC of SAT (cfdi facts: 12 or 13 characters).
fn is_rfc(text: &str) -> bool {
    let letters = text.bytes().take_while(u8::is_ascii_alphabetic).count();
    let rest = text.get(letters..).unwrap_or_default();
    let date = rest.bytes().take_while(u8::is_ascii_digit).count();
    (3..=4).contains(&letters) && rest.len() == 9 && date >= 6
}

#[cfg(test)]
mod tests {
    use super::shown;
    use serde_json::{Value, json};

    fn masked(value: &Value) -> Value {
        serde_json::from_str(&shown(value.to_string().as_bytes())).expect("JSON")
    }

    #[test]
    fn ids_codes_times_and_amounts_are_shown() {
        let harmless = json!({
            "id": "evt_1Q2w3E4r5T6y", "type": "payment_intent.succeeded", "created": 1_764_000_000, "amount": 35_000,
            "currency": "mxn", "livemode": false, "api_version": "2025-09-30.clover",
            "uuid": "0b8b1a4e-5d1c-4a7e-9a55-3f9d2f6f1c11", "at": "2026-11-22T18:00:00.000Z",
        });
        assert_eq!(masked(&harmless), harmless);
    }

    #[test]
    fn what_may_be_about_a_person_is_covered() {
        let payload = json!({
            "receipt_email": "maria@example.com", "customer_details": { "name": "María", "age": 41, "ok": true },
            "note": "llamar a María", "contact": "maria@example.com", "call": "+528671234567", "serie": "8671234567",
            "tax": "XAXX010101000", "persona": "RIPM800101AB1", "list": ["Avenida Guerrero 12", "mxn"],
            "legal_name": "TALLER", "url": "https://example.com/?token=abc",
        });
        let text = masked(&payload).to_string();
        for secret in [
            "maria",
            "María",
            "41",
            "8671234567",
            "XAXX",
            "RIPM",
            "Guerrero",
            "TALLER",
            "abc",
        ] {
            assert!(!text.contains(secret), "{secret} is shown: {text}");
        }
        assert!(text.contains("mxn"));
    }

    #[test]
    fn what_is_no_json_is_not_shown() {
        assert_eq!(shown(b"hola maria"), "(no es JSON: 10 bytes que no se muestran)");
    }
}
