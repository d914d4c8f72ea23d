//! What holds for any input.

use onlycar::payments::signature::{Refusal, verify};
use proptest::prelude::*;

use super::cases::{SECRET, sign};
use super::{good, now, secrets, t, verdict};

proptest! {
    #[test]
    fn any_bytes_as_header_are_refused_without_panic(header: Vec<u8>, body: Vec<u8>) {
        prop_assert!(verify([&header], &body, &secrets(&[SECRET]).unwrap(), now()).is_err());
    }

    #[test]
    fn anything_like_a_header_never_panics(header in "[ ,=;]{0,2}((t|v1|v0|T| )=?[-+ 0-9a-f]{0,70},?){0,6}[\\PC]{0,3}") {
        prop_assert!(verdict(&header).is_err());
    }

    #[test]
    fn what_is_signed_is_accepted_whatever_the_body(body: Vec<u8>, secret in "[!-+/-~]{1,200}", age in -300_i64..=300) {
        let t = (now().timestamp() - age).to_string();
        let header = format!("t={t},v1={}", sign(&secret, &t, &body));
        prop_assert_eq!(verify([&header], &body, &secrets(&[&secret]).unwrap(), now()), Ok(()));
    }

    #[test]
    fn one_bit_of_the_body_counts(mut body in prop::collection::vec(any::<u8>(), 1..500), at: prop::sample::Index, bit in 0_u8..8) {
        let header = format!("t={},v1={}", t(), sign(SECRET, &t(), &body));
        let at = at.index(body.len());
        body[at] ^= 1_u8 << bit;
        prop_assert_eq!(verify([&header], &body, &secrets(&[SECRET]).unwrap(), now()), Err(Refusal::Mismatch));
    }

    #[test]
    fn one_bit_of_the_time_counts(at in 0_usize..10, bit in 0_u8..8) {
        let mut header = format!("t={},v1={}", t(), good()).into_bytes();
        header[2 + at] ^= 1_u8 << bit;
        prop_assert!(verdict(&header).is_err());
    }

    /// But for bit 5, which turns `a` into `A`: the same number in hex.
    #[test]
    fn one_bit_of_the_signature_counts(at in 0_usize..64, bit in 0_u8..8) {
        let mut header = format!("t={},v1={}", t(), good()).into_bytes();
        let at = header.len() - 64 + at;
        let before = header[at];
        header[at] ^= 1_u8 << bit;
        let same_number = header[at].eq_ignore_ascii_case(&before);
        prop_assert_eq!(verdict(&header).is_ok(), same_number);
    }
}
