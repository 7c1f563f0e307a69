//! What may be asked of `/info`: a request's body goes in; the question, and what it weighs, comes out.

use serde::Deserialize;

use crate::crowd::Address;
use crate::history::Interval;

/// Anything else is refused; parameters that are not named here are not looked at.
#[derive(Debug, Deserialize)]
#[serde(tag = "type", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub(crate) enum Question {
    Meta {
        #[serde(default)]
        dex: String,
    },
    MetaAndAssetCtxs {
        #[serde(default)]
        dex: String,
    },
    AllMids {
        #[serde(default)]
        dex: String,
    },
    RecentTrades {
        coin: String,
    },
    PerpDexs,
    SpotMeta,
    ExchangeStatus,
    CandleSnapshot {
        req: CandleStretch,
    },
    ClearinghouseState {
        user: User,
        #[serde(default)]
        dex: String,
    },
    SpotClearinghouseState {
        user: User,
    },
    UserRole {
        user: User,
    },
    /// Nobody here has chosen one.
    UserAbstraction {
        #[serde(rename = "user")]
        _user: User,
    },
    UserFills {
        user: User,
    },
    UserFillsByTime(Stretch),
    UserFunding(Stretch),
    UserNonFundingLedgerUpdates(Stretch),
}

/// Of one user's time, in milliseconds, both ends included.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Stretch {
    pub(crate) user: User,
    pub(crate) start_time: i64,
    /// Up to now, when absent.
    pub(crate) end_time: Option<i64>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct CandleStretch {
    pub(crate) coin: String,
    pub(crate) interval: Interval,
    pub(crate) start_time: i64,
    pub(crate) end_time: Option<i64>,
}

/// An address in any case; whether anybody has it is another matter.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct User(pub(crate) Address);

/// What a request weighs that nobody understands, and most others.
pub(crate) const USUAL_WEIGHT: u32 = 20;

impl Question {
    /// Before its answer is known.
    pub(crate) fn weight(&self) -> u32 {
        match self {
            Self::AllMids { .. }
            | Self::ClearinghouseState { .. }
            | Self::SpotClearinghouseState { .. }
            | Self::ExchangeStatus => 2,
            Self::UserRole { .. } => 60,
            _ => USUAL_WEIGHT,
        }
    }

    /// Together with an answer of so many items.
    pub(crate) fn weight_of(&self, items: usize) -> u32 {
        self.weight() + self.items_per_weight().map_or(0, |each| items.div_ceil(each)) as u32
    }

    /// How many items of an answer weigh one more, rounded up; of other answers the items are free.
    fn items_per_weight(&self) -> Option<usize> {
        match self {
            Self::RecentTrades { .. }
            | Self::UserFills { .. }
            | Self::UserFillsByTime(_)
            | Self::UserFunding(_)
            | Self::UserNonFundingLedgerUpdates(_) => Some(20),
            Self::CandleSnapshot { .. } => Some(60),
            _ => None,
        }
    }
}

impl TryFrom<String> for User {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let address = text.to_ascii_lowercase();
        let digits = address.strip_prefix("0x").filter(|digits| digits.bytes().all(|digit| digit.is_ascii_hexdigit()));
        let bytes = digits.and_then(|_| address.as_bytes().try_into().ok());
        bytes.map(Self).ok_or("an address is 0x and forty digits")
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn weights_are_the_documented_ones() {
        let user = "0xA775D1bd91ee2cc4cae6113e5fd9c0c17b355277";
        for (asked, weight, items) in [
            (r#"{"type":"meta"}"#.to_owned(), 20, None),
            (r#"{"type":"allMids","dex":"xyz"}"#.to_owned(), 2, None),
            (r#"{"type":"recentTrades","coin":"BTC"}"#.to_owned(), 20, Some(20)),
            (format!(r#"{{"type":"clearinghouseState","user":"{user}"}}"#), 2, None),
            (format!(r#"{{"type":"userRole","user":"{user}"}}"#), 60, None),
            (format!(r#"{{"type":"userFills","user":"{user}","aggregateByTime":false}}"#), 20, Some(20)),
            (format!(r#"{{"type":"userFunding","user":"{user}","startTime":1,"endTime":null}}"#), 20, Some(20)),
        ] {
            let question: Question = serde_json::from_str(&asked).unwrap();
            assert_eq!((question.weight(), question.items_per_weight()), (weight, items), "{asked}");
        }
        let candles = r#"{"type":"candleSnapshot","req":{"coin":"BTC","interval":"15m","startTime":1,"endTime":2}}"#;
        assert_eq!(serde_json::from_str::<Question>(candles).unwrap().items_per_weight(), Some(60));
    }

    #[test]
    fn an_address_is_read_in_any_case() {
        let user = User::try_from("0xA775D1BD91EE2CC4CAE6113E5FD9C0C17B355277".to_owned()).unwrap();
        assert_eq!(&user.0, b"0xa775d1bd91ee2cc4cae6113e5fd9c0c17b355277");
        for text in
            ["", "0x12", "a775d1bd91ee2cc4cae6113e5fd9c0c17b35527700", "0xg775d1bd91ee2cc4cae6113e5fd9c0c17b355277"]
        {
            assert!(User::try_from(text.to_owned()).is_err(), "{text}");
        }
    }
}
