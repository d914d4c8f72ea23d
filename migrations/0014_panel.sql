-- What the panel reads. Each index is for a figure or a list that would else look at every row; none is on the way of an
-- incoming event: those of webhooks.events and engine.jobs hold only what waits for a person.

create index events_kept on webhooks.events (id) where state in ('dead', 'parked');

-- Figures of a period are counted from the index alone; the lists walk it, the newest first.
create index facturas_emitidas_timbrado on public.facturas_emitidas (fecha_timbrado, id)
    include (origen, estado, moneda, monto_total);
create index facturas_emitidas_pendientes on public.facturas_emitidas (id) where estado = 'pendiente';
create index requests_asked on invoicing.requests (created_at, id) include (state) where kind = 'self_invoice';
create index ventas_factura_global_vendida on public.ventas_factura_global (vendida_en, servicio_id)
    include (moneda, monto, factura_id);
create index servicios_pagado on public.servicios (pagado_en, id) where pagado_en is not null;
create index servicios_fallidos on public.servicios (id) where estado_pago = 'fallido';
create index objects_stored on documents.objects (stored_at, key) include (bytes);
