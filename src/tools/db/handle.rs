//! What statements are run on. Through a transaction pooler they have no name, and one that stands alone runs in a
//! transaction of its own, because its two halves (parse, run) may otherwise meet two different sessions.

use std::future::{Future, ready};
use std::sync::Arc;

use futures_util::future::BoxFuture;
use futures_util::stream::{self, BoxStream};
use futures_util::{StreamExt, TryFutureExt, TryStreamExt};
use sqlx::error::BoxDynError;
use sqlx::pool::PoolConnection;
use sqlx::postgres::{PgArguments, PgPool, PgQueryResult, PgRow, PgStatement, PgTypeInfo};
use sqlx::{
    AssertSqlSafe, Connection as _, Describe, Either, Error, Execute, Executor, PgConnection, Postgres,
    SqlStr,
};

type Step = Either<PgQueryResult, PgRow>;
type Steps<'e> = BoxStream<'e, Result<Step, Error>>;
type Answer<'e, T> = BoxFuture<'e, Result<T, Error>>;

/// A pool of connections; cheap to clone.
#[derive(Debug, Clone)]
pub struct Db {
    pool: PgPool,
    /// How a transaction begins through a pooler; none on the direct way.
    begin: Option<Arc<str>>,
}

/// A connection out of the pool. It may be given up ([`Connection::close_on_drop`]).
#[derive(Debug)]
pub struct Connection {
    connection: PoolConnection<Postgres>,
    begin: Option<Arc<str>>,
}

/// An open transaction; dropped, it is rolled back.
#[derive(Debug)]
pub struct Transaction {
    transaction: sqlx::Transaction<'static, Postgres>,
    nameless: bool,
}

impl Db {
    pub(super) fn new(pool: PgPool, begin: Option<String>) -> Self {
        let begin = begin.map(Arc::from);
        Self { pool, begin }
    }

    /// Whether a pooler may stand in between.
    pub fn is_pooled(&self) -> bool {
        self.begin.is_some()
    }

    /// A connection for itself.
    pub async fn acquire(&self) -> Result<Connection, Error> {
        Ok(Connection {
            connection: self.pool.acquire().await?,
            begin: self.begin.clone(),
        })
    }

    /// Closes every connection.
    pub async fn close(&self) {
        self.pool.close().await;
    }

    /// Opens a transaction.
    #[allow(clippy::disallowed_methods)] // the ground that engine::work stands on
    pub async fn begin(&self) -> Result<Transaction, Error> {
        let transaction = match self.begin.clone() {
            None => self.pool.begin().await?,
            Some(begin) => self.pool.begin_with(AssertSqlSafe(begin)).await?,
        };
        Ok(Transaction {
            transaction,
            nameless: self.begin.is_some(),
        })
    }
}

/// For who has a pool of PostgreSQL's own, without a pooler.
impl From<PgPool> for Db {
    fn from(pool: PgPool) -> Self {
        Self { pool, begin: None }
    }
}

impl Connection {
    /// Closes it instead of giving it back.
    pub fn close_on_drop(&mut self) {
        self.connection.close_on_drop();
    }
}

impl Transaction {
    /// Makes everything last that was done in it.
    pub async fn commit(self) -> Result<(), Error> {
        self.transaction.commit().await
    }
}

/// A query without a name on the server.
struct Nameless<E>(E);

impl<'q, E: Execute<'q, Postgres>> Execute<'q, Postgres> for Nameless<E> {
    fn sql(self) -> SqlStr {
        self.0.sql()
    }

    fn statement(&self) -> Option<&PgStatement> {
        self.0.statement()
    }

    fn take_arguments(&mut self) -> Result<Option<PgArguments>, BoxDynError> {
        self.0.take_arguments()
    }

    fn persistent(&self) -> bool {
        false
    }
}

/// Nothing here is prepared or described without being run: through a pooler that would have no use.
macro_rules! runs_only {
    ($c:lifetime) => {
        fn prepare_with<'e>(self, _: SqlStr, _: &'e [PgTypeInfo]) -> Answer<'e, PgStatement>
        where
            $c: 'e,
        {
            Box::pin(ready(Err(Error::Protocol(
                "statements are not prepared here".to_owned(),
            ))))
        }

        fn describe<'e>(self, _: SqlStr) -> Answer<'e, Describe<Postgres>>
        where
            $c: 'e,
        {
            Box::pin(ready(Err(Error::Protocol(
                "statements are not described here".to_owned(),
            ))))
        }
    };
}

/// Runs a statement in a transaction of its own.
async fn alone<'q, E>(connection: &mut PgConnection, begin: Arc<str>, query: E) -> Result<Vec<Step>, Error>
where
    E: 'q + Execute<'q, Postgres>,
{
    let mut transaction = connection.begin_with(AssertSqlSafe(begin)).await?;
    let steps = transaction.fetch_many(Nameless(query)).try_collect().await?;
    transaction.commit().await?;
    Ok(steps)
}

fn first_row(steps: Vec<Step>) -> Option<PgRow> {
    steps.into_iter().find_map(Either::right)
}

impl<'c> Executor<'c> for &'c Db {
    type Database = Postgres;

    fn fetch_many<'e, 'q: 'e, E>(self, query: E) -> Steps<'e>
    where
        'c: 'e,
        E: 'q + Execute<'q, Postgres>,
    {
        let Some(begin) = self.begin.clone() else {
            return self.pool.fetch_many(query);
        };
        each(async move { alone(&mut *self.pool.acquire().await?, begin, query).await })
    }

    fn fetch_optional<'e, 'q: 'e, E>(self, query: E) -> Answer<'e, Option<PgRow>>
    where
        'c: 'e,
        E: 'q + Execute<'q, Postgres>,
    {
        let Some(begin) = self.begin.clone() else {
            return self.pool.fetch_optional(query);
        };
        Box::pin(async move {
            let steps = alone(&mut *self.pool.acquire().await?, begin, query).await?;
            Ok(first_row(steps))
        })
    }

    runs_only!('c);
}

impl<'c> Executor<'c> for &'c mut Connection {
    type Database = Postgres;

    fn fetch_many<'e, 'q: 'e, E>(self, query: E) -> Steps<'e>
    where
        'c: 'e,
        E: 'q + Execute<'q, Postgres>,
    {
        match self.begin.clone() {
            None => self.connection.fetch_many(query),
            Some(begin) => each(alone(&mut self.connection, begin, query)),
        }
    }

    fn fetch_optional<'e, 'q: 'e, E>(self, query: E) -> Answer<'e, Option<PgRow>>
    where
        'c: 'e,
        E: 'q + Execute<'q, Postgres>,
    {
        match self.begin.clone() {
            None => self.connection.fetch_optional(query),
            Some(begin) => {
                Box::pin(async move { Ok(first_row(alone(&mut self.connection, begin, query).await?)) })
            }
        }
    }

    runs_only!('c);
}

impl<'c> Executor<'c> for &'c mut Transaction {
    type Database = Postgres;

    fn fetch_many<'e, 'q: 'e, E>(self, query: E) -> Steps<'e>
    where
        'c: 'e,
        E: 'q + Execute<'q, Postgres>,
    {
        if self.nameless {
            self.transaction.fetch_many(Nameless(query))
        } else {
            self.transaction.fetch_many(query)
        }
    }

    fn fetch_optional<'e, 'q: 'e, E>(self, query: E) -> Answer<'e, Option<PgRow>>
    where
        'c: 'e,
        E: 'q + Execute<'q, Postgres>,
    {
        if self.nameless {
            self.transaction.fetch_optional(Nameless(query))
        } else {
            self.transaction.fetch_optional(query)
        }
    }

    runs_only!('c);
}

fn each<'e>(steps: impl Future<Output = Result<Vec<Step>, Error>> + Send + 'e) -> Steps<'e> {
    let steps = steps.map_ok(|steps| stream::iter(steps.into_iter().map(Ok)));
    steps.try_flatten_stream().boxed()
}
