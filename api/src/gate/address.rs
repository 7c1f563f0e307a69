//! A request → from whose address it comes. What a proxy says of that is believed of proxies that are known alone:
//! anybody may write a header.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use axum::extract::ConnectInfo;
use axum::http::request::Parts;

pub(super) fn of(parts: &Parts, proxies: &[IpAddr]) -> IpAddr {
    let connected = parts.extensions.get::<ConnectInfo<SocketAddr>>();
    let peer = connected.map_or(IpAddr::V6(Ipv6Addr::UNSPECIFIED), |ConnectInfo(address)| address.ip().to_canonical());
    if !proxies.contains(&peer) {
        return peer;
    }
    // Each proxy adds whom it heard at the end: the last one that is no proxy of ours is as far as can be known.
    let said = parts.headers.get_all("x-forwarded-for").iter().rev().filter_map(|value| value.to_str().ok());
    let said = said.flat_map(|value| value.rsplit(',')).map(|address| address.trim().parse::<IpAddr>());
    let known = said.map_while(Result::ok).map(|address| address.to_canonical());
    known.into_iter().find(|address| !proxies.contains(address)).unwrap_or(peer)
}

/// Whom one address stands for: where addresses are plenty, a client is given as many as it likes.
pub(super) fn household(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use axum::http::Request;

    use super::*;

    fn address(peer: [u8; 4], said: &[&str]) -> IpAddr {
        let mut request = Request::builder();
        for said in said {
            request = request.header("x-forwarded-for", *said);
        }
        let (mut parts, ()) = request.body(()).unwrap().into_parts();
        parts.extensions.insert(ConnectInfo(SocketAddr::from((peer, 80))));
        of(&parts, &[IpAddr::from([10, 0, 0, 1]), IpAddr::from([10, 0, 0, 2])])
    }

    #[test]
    fn only_known_proxies_are_believed() {
        let ip = |last| IpAddr::from([192, 0, 2, last]);
        assert_eq!(address([192, 0, 2, 9], &["192.0.2.1"]), ip(9));
        assert_eq!(address([10, 0, 0, 1], &["192.0.2.1"]), ip(1));
        assert_eq!(
            address([10, 0, 0, 1], &["198.51.100.7, 192.0.2.1, 10.0.0.2"]),
            ip(1),
            "what the client wrote is left"
        );
        assert_eq!(address([10, 0, 0, 1], &["198.51.100.7", "192.0.2.1"]), ip(1));
        assert_eq!(address([10, 0, 0, 1], &["192.0.2.1, nonsense"]), IpAddr::from([10, 0, 0, 1]));
        assert_eq!(address([10, 0, 0, 1], &[]), IpAddr::from([10, 0, 0, 1]));
    }

    #[test]
    fn a_household_has_many_addresses() {
        let of = |text: &str| household(text.parse().unwrap());
        assert_eq!(of("2001:db8:1:2:3:4:5:6"), of("2001:db8:1:2::1"));
        assert_ne!(of("2001:db8:1:2::1"), of("2001:db8:1:3::1"));
        assert_ne!(of("192.0.2.1"), of("192.0.2.2"));
    }
}
