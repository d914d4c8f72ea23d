//! The only writers of `facturas_emitidas`, of the sales of the global invoice and of `invoicing.*`. Spanish columns
//! become English here.

pub mod erasure;
pub mod invoices;
pub mod looks;
pub mod requests;
pub mod sales;
