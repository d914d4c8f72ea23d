//! Clients, services and contracts with documents, as their slices leave them, and somebody who asks for links.

use bytes::Bytes;
use chrono::TimeDelta;
use onlycar::dev::gigstack::{Delivery, Event, Order};
use onlycar::ground::clock::Clock;
use onlycar::tools::objects::{FIVE_YEARS, Meta};
use serde_json::Value;
use sha2::{Digest, Sha256};
use sqlx::PgPool;
use uuid::Uuid;

use crate::access::rig::SECRET;
use crate::counter::{SUPABASE, token};
use crate::support::program::{Ended, onlycar, run};
use crate::support::{TestApp, database};

/// Users of clients.
pub const ANA: Uuid = Uuid::from_u128(0xa);
pub const BETO: Uuid = Uuid::from_u128(0xb);
/// Users at the counter.
pub const OLGA: Uuid = Uuid::from_u128(0x1);
pub const OTTO: Uuid = Uuid::from_u128(0x2);
pub const ADMIN: Uuid = Uuid::from_u128(0x3);

/// The program with a store whose clock is the machine's: links are good for the store only around its time.
pub struct Desk {
    pub app: TestApp,
}

/// A document, and whom it concerns.
#[derive(Debug, Clone)]
pub struct Subject {
    /// `facturas` or `contratos`.
    pub kind: &'static str,
    pub global: bool,
    /// The user of its client.
    pub client: Option<Uuid>,
    /// Who serves its service.
    pub operator: Option<Uuid>,
    /// Its row, and the other id that it is known by.
    pub id: Uuid,
    pub alias: Uuid,
    /// The formats that are stored.
    pub stored: &'static [&'static str],
}

pub struct Answer {
    pub status: u16,
    pub body: Value,
}

impl Desk {
    pub async fn open() -> Self {
        let supabase = [("SUPABASE_URL", SUPABASE), ("SUPABASE_JWT_SECRET", SECRET)];
        // Thousands of links to one person.
        let settings = "limits.links.off = true\nlimits.tokens.off = true";
        let mut app = TestApp::configured(&supabase, Some(settings)).await;
        app.work();
        app.advance(Clock::system().now() - app.now());
        Self { app }
    }

    pub async fn ask(&self, token: &str, path: &str) -> Answer {
        let request = self.app.client.get(format!("{}{path}", self.app.url));
        let answer = request.bearer_auth(token).send().await.unwrap();
        assert_eq!(answer.headers()["cache-control"], "no-store", "{path}");
        Answer {
            status: answer.status().as_u16(),
            body: answer.json().await.unwrap(),
        }
    }

    /// A link for an admin.
    pub async fn link(&self, subject: &Subject, format: &str) -> Answer {
        self.ask(&self.admin(), &subject.path(subject.id, format)).await
    }

    pub fn admin(&self) -> String {
        token(&self.app, "admin", ADMIN)
    }

    /// How often something was written down.
    pub async fn audited(&self, action: &str) -> i64 {
        let sql = "select count(*) from logs_auditoria where accion = $1";
        sqlx::query_scalar(sql)
            .bind(action)
            .fetch_one(&self.app.pool)
            .await
            .unwrap()
    }

    /// An invoice of a service, when it has an operator or `of` says so.
    pub async fn invoice(
        &self,
        of: &str,
        client: Option<Uuid>,
        operator: Option<Uuid>,
        state: &'static str,
    ) -> Subject {
        let pool = &self.app.pool;
        let (id, alias) = (Uuid::new_v4(), Uuid::new_v4());
        let service = match of {
            "servicio" | "global con servicio" => Some(service(pool, client, operator).await),
            _ => None,
        };
        let contract = match of {
            "contrato" => Some(contract(pool, client).await),
            _ => None,
        };
        let global = of.starts_with("global");
        let stored: &[&str] = match state {
            "pendiente" => &[],
            "vigente" => &["pdf", "xml"],
            _ => &["pdf", "xml", "acuse"],
        };
        let mut files = Vec::new();
        for (format, ending) in [("pdf", "pdf"), ("xml", "xml"), ("acuse", "acuse.xml")] {
            let key = format!("facturas/2026/{alias}.{ending}");
            files.push(
                self.file(&key, stored.contains(&format), &format!("{alias}.{ending}"))
                    .await,
            );
        }
        let insert =
            "insert into facturas_emitidas (id, servicio_id, contrato_id, uuid_sat, estado, origen, periodo,
                          url_pdf, sha256_pdf, url_xml, sha256_xml, url_acuse, sha256_acuse)
                      values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)";
        let mut insert = sqlx::query(insert)
            .bind(id)
            .bind(service)
            .bind(contract)
            .bind(alias)
            .bind(state)
            .bind(if global { "global" } else { "autofactura" })
            .bind(global.then_some("2026-10"));
        for (key, sha256) in files {
            insert = insert.bind(key).bind(sha256);
        }
        insert.execute(pool).await.unwrap();
        Subject {
            kind: "facturas",
            global,
            client,
            operator: operator.filter(|_| service.is_some()),
            id,
            alias,
            stored,
        }
    }

    /// A document of a contract.
    pub async fn contract(&self, client: Option<Uuid>, state: &'static str) -> Subject {
        let pool = &self.app.pool;
        let alias = contract(pool, client).await;
        let id = Uuid::new_v4();
        let stored: &[&str] = match state {
            "firmado" => &["original", "pdf", "xml", "evidencia"],
            _ => &["original"],
        };
        let mut files = Vec::new();
        for format in ["original", "pdf", "xml", "evidencia"] {
            let key = format!("contratos_firmados/{alias}/{id}.{format}");
            files.push(self.file(&key, stored.contains(&format), "contrato.pdf").await);
        }
        let [original, pdf, xml, evidence] = files.try_into().unwrap();
        let insert = "insert into contratos_firmados (id, contrato_id, mifiel_document_id, estado, firmado_en,
                          url_original, sha256_original, url_pdf, sha256_pdf, url_xml, sha256_xml, url_evidencia)
                      values ($1, $2, $3, $4, case when $4 = 'firmado' then now() end, $5, $6, $7, $8, $9, $10, $11)";
        sqlx::query(insert)
            .bind(id)
            .bind(alias)
            .bind(id.to_string())
            .bind(state)
            .bind(original.0)
            .bind(original.1)
            .bind(pdf.0)
            .bind(pdf.1)
            .bind(xml.0)
            .bind(xml.1)
            .bind(evidence.0)
            .execute(pool)
            .await
            .unwrap();
        Subject {
            kind: "contratos",
            global: false,
            client,
            operator: None,
            id,
            alias,
            stored,
        }
    }

    /// Key and digest of a file, which is stored when it is there.
    async fn file(&self, key: &str, there: bool, name: &str) -> (Option<String>, Option<String>) {
        if !there {
            return (None, None);
        }
        let bytes = content(key);
        let sha256 = hex::encode(Sha256::digest(&bytes));
        let meta = Meta {
            content_type: if key.ends_with("xml") {
                "application/xml"
            } else {
                "application/pdf"
            },
            file_name: name,
            cache_control: FIVE_YEARS,
            metadata: Vec::new(),
        };
        let objects = self.app.bucket.objects();
        objects.put_bytes(key, &meta, bytes).await.unwrap();
        (Some(key.to_owned()), Some(sha256))
    }
}

impl Subject {
    pub fn path(&self, id: Uuid, format: &str) -> String {
        format!("/api/documents/{}/{id}/url?format={format}", self.kind)
    }

    /// The key of one of its files.
    pub fn key(&self, format: &str) -> String {
        match (self.kind, format) {
            ("facturas", "acuse") => format!("facturas/2026/{}.acuse.xml", self.alias),
            ("facturas", _) => format!("facturas/2026/{}.{format}", self.alias),
            _ => format!("contratos_firmados/{}/{}.{format}", self.alias, self.id),
        }
    }
}

impl Answer {
    pub fn code(&self) -> (u16, &str) {
        (self.status, self.body["code"].as_str().unwrap_or_default())
    }

    pub fn detail(&self) -> &str {
        self.body["detail"].as_str().unwrap_or_default()
    }

    pub fn url(&self) -> &str {
        self.body["url"].as_str().unwrap()
    }
}

/// What lies under a key.
pub fn content(key: &str) -> Bytes {
    Bytes::from(format!("the bytes of {key}"))
}

/// A client with this user; without one where that is none.
async fn client(pool: &PgPool, user: Option<Uuid>) -> Uuid {
    let known = sqlx::query_scalar("select id from clientes where auth_user_id = $1").bind(user);
    if let Some(id) = known.fetch_optional(pool).await.unwrap() {
        return id;
    }
    let insert =
        "insert into clientes (id, auth_user_id, nombre, creado_en) values ($1, $2, 'Ana López', now())";
    let id = Uuid::new_v4();
    sqlx::query(insert)
        .bind(id)
        .bind(user)
        .execute(pool)
        .await
        .unwrap();
    id
}

async fn service(pool: &PgPool, user: Option<Uuid>, operator: Option<Uuid>) -> Uuid {
    let id = Uuid::new_v4();
    let insert =
        "insert into servicios (id, cliente_id, operador_id, descripcion, monto) values ($1, $2, $3, 'x', 1)";
    sqlx::query(insert)
        .bind(id)
        .bind(client(pool, user).await)
        .bind(operator)
        .execute(pool)
        .await
        .unwrap();
    id
}

async fn contract(pool: &PgPool, user: Option<Uuid>) -> Uuid {
    let id = Uuid::new_v4();
    let insert =
        "insert into contratos_b2b (id, cliente_id, tipo, estado, servicios_incluidos, servicios_disponibles)
                  values ($1, $2, 'servicio_unico', 'activo', 1, 1)";
    sqlx::query(insert)
        .bind(id)
        .bind(client(pool, user).await)
        .execute(pool)
        .await
        .unwrap();
    id
}

/// The clock goes on by so many seconds; backwards where they are negative.
pub fn seconds(app: &TestApp, seconds: i64) {
    app.advance(TimeDelta::seconds(seconds));
}

/// An invoice that came the whole way: stamped at Gigstack, told, fetched, stored, recorded. Its row and its UUID at SAT.
pub async fn stamped(app: &TestApp) -> (Uuid, Uuid) {
    let service = service(&app.pool, Some(ANA), Some(OLGA)).await;
    let order = Order::default().noting("servicio_id", &service.to_string());
    let invoice = app.gigstack.stamp(order);
    let told = app
        .gigstack
        .deliver(Event::InvoiceCreated, &invoice.id, Delivery::default());
    assert_eq!(told.await.unwrap()[0].status, 200);
    app.drain().await;
    let row = sqlx::query_scalar("select id from facturas_emitidas where uuid_sat = $1").bind(invoice.uuid);
    (row.fetch_one(&app.pool).await.unwrap(), invoice.uuid)
}

/// Runs a command beside the program, with the store.
pub async fn command(app: &TestApp, arguments: &[&str]) -> Ended {
    let mut command = onlycar(arguments);
    command.env("DATABASE_URL", database::as_service(&app.database_url));
    command.envs(app.bucket.variables());
    run(command).await
}
