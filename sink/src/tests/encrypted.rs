//! A Postgres that wants TLS, and proves who it is: FATHOM_POSTGRES_TLS is its address, with `sslrootcert`.

use crate::connect;

#[tokio::test]
#[ignore = "FATHOM_POSTGRES_TLS is to be the address of a server with TLS"]
async fn a_server_that_wants_tls_is_written_to() {
    connect(&address("sslmode=verify-full", true)).await.unwrap();
}

#[tokio::test]
#[ignore = "FATHOM_POSTGRES_TLS is to be the address of a server with TLS"]
async fn what_is_wrong_with_the_encryption_is_told_and_not_tried_again() {
    for (mode, names_the_authority, advice) in
        [("sslmode=disable", false, "sslmode=require"), ("sslmode=verify-full", false, "sslrootcert")]
    {
        let error = connect(&address(mode, names_the_authority)).await.err().unwrap();
        assert!(!error.retry(), "{error:?}");
        assert!(error.to_string().contains(advice), "{error}: {error:?}");
    }
}

fn address(mode: &str, names_the_authority: bool) -> String {
    let address = std::env::var("FATHOM_POSTGRES_TLS").expect("FATHOM_POSTGRES_TLS is the address of a server");
    let (server, authority) = address.split_once('?').expect("?sslrootcert=FILE");
    if names_the_authority { format!("{server}?{mode}&{authority}") } else { format!("{server}?{mode}") }
}
