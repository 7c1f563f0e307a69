//! Connections to Postgres that break at the worst moment: a proxy cuts them where a statement goes by.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use sqlx::postgres::PgConnectOptions;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::place::on_postgres;
use super::{ROWS_OF_A_POSITION, batch, next, part, position, sizes};
use crate::database::Transaction;
use crate::{SinkError, connect};

#[tokio::test(flavor = "multi_thread")]
#[ignore = "FATHOM_POSTGRES is to be the address of a server"]
async fn a_write_that_was_cut_off_is_written_again() {
    on_postgres(cut_before_the_rows).await;
}

async fn cut_before_the_rows(url: String) {
    let cut = Arc::new(AtomicBool::new(false));
    let through =
        through_a_proxy(&url, Cut { at: b"INSERT INTO positions", answered: false, armed: Arc::clone(&cut) }).await;
    let mut sink = connect(&through).await.unwrap();
    sink.write(1, &[part(0, &batch([position(1, "1")]))]).await.unwrap();
    // A new connection says its statements once more.
    let rows = batch([position(1, "2"), position(2, "2")]);
    let mut sink = connect(&through).await.unwrap();
    cut.store(true, Ordering::Relaxed);
    let error = sink.write(1, &[part(1, &rows)]).await.unwrap_err();
    assert!(error.retry(), "{error:?}");
    let untouched = connect(&url).await.unwrap();
    assert_eq!((sizes(&untouched).await, next(&untouched).await), (vec!["1".to_owned()], Some(1)));
    assert_eq!(sink.write(1, &[part(1, &rows)]).await.unwrap(), 2 * ROWS_OF_A_POSITION);
    assert_eq!((sizes(&sink).await, next(&sink).await), (vec!["2".to_owned(), "2".to_owned()], Some(3)));
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "FATHOM_POSTGRES is to be the address of a server"]
async fn a_commit_without_an_answer_is_looked_up() {
    on_postgres(cut_before_the_answer).await;
}

async fn cut_before_the_answer(url: String) {
    let cut = Arc::new(AtomicBool::new(false));
    let through = through_a_proxy(&url, Cut { at: b"COMMIT", answered: true, armed: Arc::clone(&cut) }).await;
    let mut sink = connect(&through).await.unwrap();
    let rows = batch([position(1, "1"), position(2, "2")]);
    cut.store(true, Ordering::Relaxed);
    let error = sink.write(1, &[part(0, &rows)]).await.unwrap_err();
    assert!(error.retry(), "{error:?}");
    assert_eq!(sink.write(1, &[part(0, &rows)]).await.unwrap(), 2 * ROWS_OF_A_POSITION, "it had been written");
    assert_eq!((sizes(&sink).await, next(&sink).await), (vec!["1".to_owned(), "2".to_owned()], Some(2)));
    let error = sink.write(1, &[part(0, &rows)]).await.unwrap_err();
    assert!(matches!(error, SinkError::Position { .. }), "{error:?}");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "FATHOM_POSTGRES is to be the address of a server"]
async fn a_write_that_the_server_ended_is_written_again() {
    on_postgres(ended_by_the_server).await;
}

async fn ended_by_the_server(url: String) {
    let (mut sink, other) = (connect(&url).await.unwrap(), connect(&url).await.unwrap());
    sink.write(1, &[part(0, &batch([position(1, "1")]))]).await.unwrap();
    let mut lock = other.database.begin().await.unwrap();
    lock.execute("UPDATE sink_positions SET next = next", &[]).await.unwrap();
    let rows = batch([position(1, "2")]);
    let parts = [part(1, &rows)];
    let (ended, waited) = tokio::join!(sink.write(1, &parts), end_whoever_waits(&mut lock));
    assert!(waited && ended.as_ref().unwrap_err().retry(), "{ended:?}");
    drop(lock);
    assert_eq!(sink.write(1, &parts).await.unwrap(), ROWS_OF_A_POSITION);
    assert_eq!((sizes(&sink).await, next(&sink).await), (vec!["2".to_owned()], Some(2)));
}

/// As a server does that is shut down.
async fn end_whoever_waits(lock: &mut Transaction) -> bool {
    const END: &str = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
         WHERE datname = current_database() AND wait_event_type = 'Lock'";
    for _ in 0..500 {
        if lock.execute(END, &[]).await.unwrap() > 0 {
            return true;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    false
}

/// Once, where these bytes go to the server: before they arrive, or after the server has answered them.
#[derive(Clone)]
struct Cut {
    at: &'static [u8],
    answered: bool,
    armed: Arc<AtomicBool>,
}

/// The address of the same database, behind the proxy.
async fn through_a_proxy(url: &str, cut: Cut) -> String {
    let options: PgConnectOptions = url.parse().unwrap();
    let server = format!("{}:{}", options.get_host(), options.get_port());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address: SocketAddr = listener.local_addr().unwrap();
    let behind = server.clone();
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            let server = TcpStream::connect(&behind).await.unwrap();
            tokio::spawn(carry(client, server, cut.clone()));
        }
    });
    url.replace(&server, &address.to_string())
}

async fn carry(mut client: TcpStream, mut server: TcpStream, cut: Cut) {
    let (mut asked, mut answer) = (vec![0; 65_536], vec![0; 65_536]);
    loop {
        tokio::select! {
            read = client.read(&mut asked) => {
                let Ok(count @ 1..) = read else { return };
                let is_it = asked[..count].windows(cut.at.len()).any(|bytes| bytes == cut.at);
                let cuts = is_it && cut.armed.swap(false, Ordering::Relaxed);
                if cuts && !cut.answered {
                    return;
                }
                server.write_all(&asked[..count]).await.unwrap();
                if cuts {
                    let _ = server.read(&mut answer).await;
                    return;
                }
            }
            read = server.read(&mut answer) => {
                let Ok(count @ 1..) = read else { return };
                client.write_all(&answer[..count]).await.unwrap();
            }
        }
    }
}
