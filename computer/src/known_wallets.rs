//! Who some wallets are, as everybody knows: the exchange's own vault and those that take over what is liquidated.

use schemas::Wallet;

const KNOWN: [(&str, &str); 10] = [
    ("0xdfc24b077bc1425ad1dea75bcb6f8158e10df303", "HLP"),
    ("0x010461c14e146ac35fe42271bdc1134ee31c703a", "HLP Strategy A"),
    ("0x31ca8395cf837de08b24da3f660e77761dfb974b", "HLP Strategy B"),
    ("0x2e3d94f0562703b25c83308a05046ddaf9a8dd14", "HLP Liquidator"),
    ("0xb0a55f13d22f66e6d495ac98113841b2326e9540", "HLP Liquidator 2"),
    ("0x5e177e5e39c0f4e421f5865a6d8beed8d921cb70", "HLP Liquidator 3"),
    ("0x2ed5c4484ea3ff8b57d5f2fb152a40d9f2b68308", "HLP Liquidator 4"),
    ("0x469f690213c467c39a23efacfd2816896009d7d8", "HLP Strategy X"),
    ("0x63c621a33714ec48660e32f2374895c8026a3a00", "Liquidator vault"),
    ("0xbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb", "Portfolio margin backstop"),
];

/// Any other one.
pub(crate) const VAULT: &str = "vault";

pub(crate) fn label(wallet: Wallet) -> Option<&'static str> {
    let address = wallet.text();
    KNOWN.iter().find(|(known, _)| known.as_bytes() == address).map(|(_, label)| *label)
}
