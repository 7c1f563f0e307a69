//! What the tables are found by, and how it is written in the changelog.

use alloc::format;
use alloc::vec::Vec;

use schemas::{Coin, Interval, PositionSide, Text, Wallet};

use crate::table::TableKey;

impl TableKey for Coin {
    fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self.as_str().as_bytes());
    }

    fn read(text: &str) -> Option<Self> {
        Some(Self::new(text))
    }
}

impl TableKey for Wallet {
    fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.text());
    }

    fn read(text: &str) -> Option<Self> {
        text.parse().ok()
    }
}

/// One wallet's holding in one coin.
impl TableKey for (Coin, Wallet) {
    fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self.0.as_str().as_bytes());
        out.push(b'|');
        out.extend_from_slice(&self.1.text());
    }

    fn read(text: &str) -> Option<Self> {
        let (coin, wallet) = text.rsplit_once('|')?;
        Some((Coin::new(coin), wallet.parse().ok()?))
    }
}

/// One interval's buckets of a coin, or of whatever else there are buckets of.
impl<S: TableKey> TableKey for (S, Interval) {
    fn write(&self, out: &mut Vec<u8>) {
        self.0.write(out);
        out.push(b'|');
        out.extend_from_slice(self.1.name().as_bytes());
    }

    fn read(text: &str) -> Option<Self> {
        let (series, interval) = text.rsplit_once('|')?;
        Some((S::read(series)?, interval.parse().ok()?))
    }
}

/// A wallet's account on one dex.
impl TableKey for (Wallet, Text) {
    fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.0.text());
        out.push(b'|');
        out.extend_from_slice(self.1.as_bytes());
    }

    fn read(text: &str) -> Option<Self> {
        let (wallet, dex) = text.split_once('|')?;
        Some((wallet.parse().ok()?, Text::from(dex)))
    }
}

/// One side of a coin.
impl TableKey for (Coin, PositionSide) {
    fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self.0.as_str().as_bytes());
        out.push(b'|');
        out.extend_from_slice(self.1.name().as_bytes());
    }

    fn read(text: &str) -> Option<Self> {
        let (coin, side) = text.rsplit_once('|')?;
        Some((Coin::new(coin), PositionSide::named(side)?))
    }
}

/// One wallet's holding in one coin, beside its others.
impl TableKey for (Wallet, Coin) {
    fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.0.text());
        out.push(b'|');
        out.extend_from_slice(self.1.as_str().as_bytes());
    }

    fn read(text: &str) -> Option<Self> {
        let (wallet, coin) = text.split_once('|')?;
        Some((wallet.parse().ok()?, Coin::new(coin)))
    }
}

/// A minute of a coin, by when it begins.
impl TableKey for (Coin, i64) {
    fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self.0.as_str().as_bytes());
        out.extend_from_slice(format!("|{}", self.1).as_bytes());
    }

    fn read(text: &str) -> Option<Self> {
        let (coin, start) = text.rsplit_once('|')?;
        Some((Coin::new(coin), start.parse().ok()?))
    }
}

/// Of what there is one.
impl TableKey for () {
    fn write(&self, _: &mut Vec<u8>) {}

    fn read(text: &str) -> Option<Self> {
        text.is_empty().then_some(())
    }
}

/// A moment.
impl TableKey for i64 {
    fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(format!("{self}").as_bytes());
    }

    fn read(text: &str) -> Option<Self> {
        text.parse().ok()
    }
}

/// One wallet's hour or day, by when it begins.
impl TableKey for (Wallet, i64) {
    fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.0.text());
        out.extend_from_slice(format!("|{}", self.1).as_bytes());
    }

    fn read(text: &str) -> Option<Self> {
        let (wallet, start) = text.split_once('|')?;
        Some((wallet.parse().ok()?, start.parse().ok()?))
    }
}
