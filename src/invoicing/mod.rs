//! Invoices. What the law calls an invoice in Mexico is an XML document, the CFDI.

pub mod cfdi;
