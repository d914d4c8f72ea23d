//! Servers that speak as Redis does and answer what they like: none of it makes an event count as stored.

use std::sync::{Arc, Mutex};

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

use super::{DUPLICATE, NEW, app, send};
use crate::receive::stored;

/// Answers a command, made of its words.
pub type Answers = fn(&[String], &Mutex<Vec<String>>) -> String;

/// Its address.
pub async fn liar(answers: Answers) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("redis://{}", listener.local_addr().unwrap());
    let values = Arc::new(Mutex::new(Vec::new()));
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(converse(stream, answers, Arc::clone(&values)));
        }
    });
    url
}

async fn converse(stream: TcpStream, answers: Answers, values: Arc<Mutex<Vec<String>>>) {
    let mut stream = BufReader::new(stream);
    while let Some(words) = command(&mut stream).await {
        let answer = match words[0].as_str() {
            "CLIENT" | "SELECT" => "+OK\r\n".to_owned(),
            "PING" => "+PONG\r\n".to_owned(),
            _ => answers(&words, &values),
        };
        if stream.write_all(answer.as_bytes()).await.is_err() {
            return;
        }
    }
}

/// `*2`, `$3`, `GET`, `$1`, `k`, each with a line's end; `None` at the end of the stream.
async fn command(stream: &mut BufReader<TcpStream>) -> Option<Vec<String>> {
    let mut words = Vec::new();
    for _ in 0..number(stream).await? {
        let mut word = vec![0; number(stream).await? + 2];
        stream.read_exact(&mut word).await.ok()?;
        words.push(String::from_utf8(word[..word.len() - 2].to_vec()).unwrap());
    }
    Some(words)
}

async fn number(stream: &mut BufReader<TcpStream>) -> Option<usize> {
    let mut line = String::new();
    stream.read_line(&mut line).await.ok()?;
    line.get(1..)?.trim().parse().ok()
}

fn bulk(value: &str) -> String {
    format!("${}\r\n{value}\r\n", value.len())
}

#[tokio::test]
async fn no_answer_of_a_liar_makes_a_new_event_a_duplicate() {
    let liars: [(&str, Answers); 8] = [
        ("yes to everything", |_, _| "+OK\r\n".to_owned()),
        ("one", |_, _| ":1\r\n".to_owned()),
        ("the value of the specification", |_, _| bulk("1")),
        ("the question", |words, _| bulk(&words[words.len() - 1])),
        ("no", |_, _| "-ERR no\r\n".to_owned()),
        ("another protocol", |_, _| {
            "HTTP/1.1 400 Bad Request\r\n\r\n".to_owned()
        }),
        ("half an answer", |_, _| "$1000000\r\nx".to_owned()),
        ("what was set for another event", |words, values| {
            let mut values = values.lock().unwrap();
            if words[0] == "SET" {
                values.push(words[2].clone());
                return "+OK\r\n".to_owned();
            }
            values.last().map_or("$-1\r\n".to_owned(), |value| bulk(value))
        }),
    ];
    let file = "[redis]\nanswer_ms = 100\nfailures = 2\nrest_ms = 10\nlook_ms = 10\n";
    for (name, answers) in liars {
        let app = app(&liar(answers).await, file).await;
        for n in 0..30 {
            let id = n.to_string();
            assert_eq!(send(&app, &id).await, NEW, "{name}: {id}");
            assert_eq!(send(&app, &id).await, DUPLICATE, "{name}: {id}");
        }
        assert_eq!(stored(&app).await, 30, "{name}");
        app.finish().await;
    }
}
