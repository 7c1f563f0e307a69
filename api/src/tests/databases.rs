//! Databases that are not there, not ready, or do not let somebody in.

use std::error::Error;

use schemas::topics;

use super::fixture::{position, serve};
use super::place::{on_both, server};
use crate::query::Query;
use crate::{open_database, standing};

on_both! {
    a_database_without_tables_is_waited_for,
    what_is_read_together_is_of_one_moment,
}

async fn a_database_without_tables_is_waited_for(url: String) {
    if let Some(path) = url.strip_prefix("sqlite://") {
        let missing = open_database(&url).await.unwrap_err();
        assert!(missing.retry(), "{missing:?}");
        std::fs::write(path, "").unwrap();
    }
    let error = open_database(&url).await.unwrap_err();
    assert!(
        error.retry() && error.to_string().ends_with("has no tables of this version yet: is the sink running?"),
        "{error}"
    );
    drop(sink::connect(&url).await.unwrap());
    open_database(&url).await.unwrap();
}

/// Were it not, rows would stand beside positions that they are ahead of.
async fn what_is_read_together_is_of_one_moment(url: String) {
    let mut served = serve(&url).await;
    served.add([position("BTC", 1, "1")]).await;
    let mut moment = open_database(&url).await.unwrap().one_moment().await.unwrap();
    let before = standing::of(&mut moment, 1, &[&topics::POSITIONS]).await.unwrap().source();
    served.add([position("BTC", 2, "1")]).await;
    let rows: Vec<(String,)> = moment.all(Query::new("SELECT wallet FROM positions")).await.unwrap();
    let after = standing::of(&mut moment, 1, &[&topics::POSITIONS]).await.unwrap().source();
    assert_eq!((rows.len(), after), (1, before));
}

#[tokio::test]
async fn a_server_that_is_away_is_waited_for() {
    let error = open_database("postgres://me:hidden@127.0.0.1:1/fathom").await.unwrap_err();
    assert!(error.retry() && !format!("{error} {error:?}").contains("hidden"), "{error:?}");
    assert!(error.to_string().ends_with("it does not answer: is it running?"), "{error}");
    assert!(error.source().is_some());
}

#[tokio::test]
#[ignore = "FATHOM_POSTGRES_TLS is to be the address of a server with TLS"]
async fn a_server_that_wants_tls_is_read_and_what_is_wrong_with_that_is_told() {
    let address = std::env::var("FATHOM_POSTGRES_TLS").expect("FATHOM_POSTGRES_TLS is the address of a server");
    let (server, authority) = address.split_once('?').expect("?sslrootcert=FILE");
    let trusted = format!("{server}?sslmode=verify-full&{authority}");
    drop(sink::connect(&trusted).await.unwrap());
    open_database(&trusted).await.unwrap();
    for (mode, advice) in [("disable", "sslmode=require"), ("verify-full", "sslrootcert")] {
        let error = open_database(&format!("{server}?sslmode={mode}")).await.unwrap_err();
        assert!(!error.retry() && error.to_string().contains(advice), "{error}: {error:?}");
    }
}

#[tokio::test]
#[ignore = "FATHOM_POSTGRES is to be the address of a server"]
async fn a_wrong_password_stops() {
    let options: sqlx::postgres::PgConnectOptions = server().parse().unwrap();
    let (user, host, port) = (options.get_username(), options.get_host(), options.get_port());
    let error = open_database(&format!("postgres://{user}:hidden@{host}:{port}/postgres")).await.unwrap_err();
    assert!(!error.retry() && error.to_string().contains("correct user and password"), "{error}");
    assert!(!format!("{error} {error:?}").contains("hidden"), "{error:?}");
}
