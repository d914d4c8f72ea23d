//! A way to the database that a test can break and lead elsewhere: a restarted PostgreSQL has another port.

use std::sync::Arc;

use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// Forwards each connection to the target of the moment; without one it closes it.
#[derive(Clone)]
pub struct Forwarder {
    pub port: u16,
    way: Arc<watch::Sender<Way>>,
}

/// Where connections lead. A change ends, or freezes, the connections there are.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    To(u16),
    Nowhere,
    /// The connections so far stay open and carry nothing more, as when a machine vanishes; new ones work.
    Elsewhere(u16),
}

impl Forwarder {
    pub async fn start(target: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (way, _) = watch::channel(Way::To(target));
        let way = Arc::new(way);
        tokio::spawn(accept(listener, Arc::clone(&way)));
        Self { port, way }
    }

    /// From now on connections lead to this port.
    pub fn lead_to(&self, target: u16) {
        self.way.send_replace(Way::To(target));
    }

    /// From now on there is no way.
    pub fn lead_nowhere(&self) {
        self.way.send_replace(Way::Nowhere);
    }

    /// The machine behind the connections vanishes without a word; new connections reach this port.
    pub fn vanish_and_lead_to(&self, target: u16) {
        self.way.send_replace(Way::Elsewhere(target));
    }
}

async fn accept(listener: TcpListener, way: Arc<watch::Sender<Way>>) {
    loop {
        let (client, _) = listener.accept().await.unwrap();
        tokio::spawn(forward(client, way.subscribe()));
    }
}

async fn forward(mut client: TcpStream, mut way: watch::Receiver<Way>) {
    let (Way::To(port) | Way::Elsewhere(port)) = *way.borrow_and_update() else {
        return;
    };
    let Ok(mut server) = TcpStream::connect(("127.0.0.1", port)).await else {
        return;
    };
    tokio::select! {
        _ = copy_bidirectional(&mut client, &mut server) => return,
        _ = way.changed() => {}
    }
    if matches!(*way.borrow(), Way::Elsewhere(_)) {
        std::future::pending::<()>().await;
    }
}
