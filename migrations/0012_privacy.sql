-- Erasing a client: the row stays, because what the law keeps refers to it; who it was goes, and does not come back.

alter table public.clientes add column suprimido_en timestamptz;

-- Which customers of Stripe's an erased client was: what Stripe tells of them later is kept without the person.
alter table stripe.customers add column erased_at timestamptz;

-- When the objects of a document were removed from the bucket: its time was over, or it was never signed.
alter table public.facturas_emitidas add column suprimida_en timestamptz;
alter table public.contratos_firmados add column suprimido_en timestamptz;
