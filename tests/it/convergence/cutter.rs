//! A way to PostgreSQL that is cut after the n-th message of the program.

use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt, copy};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;

/// The code of the message that opens a session. What comes before it (a question for TLS) has another one.
const START: u32 = 196_608;

#[derive(Clone)]
pub struct Cutter {
    pub port: u16,
    state: Arc<State>,
}

struct State {
    /// How many messages may still pass; none: all.
    left: Mutex<Option<usize>>,
    /// One permit per connection that was cut, once PostgreSQL has ended it and let its locks go.
    over: Semaphore,
}

impl Cutter {
    pub async fn start(target: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let state = Arc::new(State {
            left: Mutex::new(None),
            over: Semaphore::new(0),
        });
        tokio::spawn(accept(listener, target, Arc::clone(&state)));
        Self { port, state }
    }

    /// After so many messages more the connection is cut: the last of them arrives, its answer does not.
    pub fn cut_after(&self, messages: usize) {
        *self.state.left.lock().unwrap() = Some(messages);
    }

    /// Whether it came to that. From now on nothing is cut.
    pub async fn was_cut(&self) -> bool {
        let cut = self.state.left.lock().unwrap().take() == Some(0);
        if cut {
            self.state.over.acquire().await.unwrap().forget();
        }
        cut
    }
}

impl State {
    /// Lets a message pass; true when it is the last one.
    fn pass(&self) -> bool {
        let mut left = self.left.lock().unwrap();
        match &mut *left {
            // The next connection is another worker's.
            None | Some(0) => false,
            Some(more) => {
                *more -= 1;
                *more == 0
            }
        }
    }
}

async fn accept(listener: TcpListener, target: u16, state: Arc<State>) {
    loop {
        let (client, _) = listener.accept().await.unwrap();
        let server = TcpStream::connect(("127.0.0.1", target)).await.unwrap();
        client.set_nodelay(true).unwrap();
        server.set_nodelay(true).unwrap();
        tokio::spawn(forward(client, server, Arc::clone(&state)));
    }
}

async fn forward(client: TcpStream, server: TcpStream, state: Arc<State>) {
    let (from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = server.into_split();
    let cut = tokio::select! {
        cut = carry(from_client, &mut to_server, &state) => cut,
        _ = copy(&mut from_server, &mut to_client) => false,
    };
    drop(to_client);
    if cut {
        // PostgreSQL does what it was told, and finds nobody to answer to.
        to_server.shutdown().await.unwrap();
        let _ = copy(&mut from_server, &mut tokio::io::sink()).await;
        state.over.add_permits(1);
    }
}

/// Carries messages until the client ends, or until the last one that may pass: then true.
async fn carry(mut client: OwnedReadHalf, server: &mut OwnedWriteHalf, state: &State) -> bool {
    let mut begun = false;
    while let Ok(message) = read(&mut client, begun).await {
        if server.write_all(&message).await.is_err() {
            return false;
        }
        if begun && state.pass() {
            return true;
        }
        begun = begun || message[4..8] == START.to_be_bytes();
    }
    false
}

/// The next message: its length, in front of it a letter once the session has begun.
async fn read(client: &mut OwnedReadHalf, begun: bool) -> std::io::Result<Vec<u8>> {
    let head = if begun { 5 } else { 4 };
    let mut message = vec![0; head];
    client.read_exact(&mut message).await?;
    let length = u32::from_be_bytes(message[head - 4..].try_into().unwrap());
    let rest = usize::try_from(length).unwrap() - 4;
    message.resize(head + rest, 0);
    client.read_exact(&mut message[head..]).await?;
    Ok(message)
}
