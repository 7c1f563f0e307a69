//! A row of `whale_activities`, and what of it is told.

use schemas::{Amount, WhaleActivity, WhaleFlow, WhaleOrder};
use serde::Serialize;
use sqlx::FromRow;

pub(crate) const SELECT: &str = "SELECT wallet, id, action, time, CAST(notional AS TEXT) AS notional, \
     CAST(threshold AS TEXT) AS threshold, CAST(rule_floor AS TEXT) AS rule_floor, \
     CAST(rule_share AS TEXT) AS rule_share, watched, label, coin, oid, block, fills, side, CAST(size AS TEXT) AS size, \
     CAST(average_px AS TEXT) AS average_px, CAST(taker_size AS TEXT) AS taker_size, \
     CAST(before AS TEXT) AS before, CAST(after AS TEXT) AS after, CAST(entry_px AS TEXT) AS entry_px, \
     CAST(closed_pnl AS TEXT) AS closed_pnl, CAST(fee AS TEXT) AS fee, fee_token, method, \
     CAST(open_interest_share AS TEXT) AS open_interest_share, CAST(maker_share AS TEXT) AS maker_share, \
     account_time, CAST(account_value AS TEXT) AS account_value, leverage, isolated, \
     CAST(liquidation_px AS TEXT) AS liquidation_px, risk_basis, CAST(amount AS TEXT) AS amount, token, ledger_type, \
     counterparty, counterparty_label FROM whale_activities WHERE generation = ";

/// An order or a flow as it is told: what only the other one has is null.
#[derive(Default, Serialize, FromRow)]
pub(crate) struct WhaleRow {
    pub(crate) wallet: String,
    pub(crate) id: String,
    action: String,
    pub(crate) time: i64,
    notional: Option<String>,
    threshold: String,
    rule_floor: String,
    rule_share: String,
    watched: bool,
    label: Option<String>,
    /// From here to the basis of the risk: of orders.
    pub(crate) coin: Option<String>,
    oid: Option<i64>,
    block: Option<i64>,
    fills: Option<i64>,
    side: Option<String>,
    size: Option<String>,
    average_px: Option<String>,
    taker_size: Option<String>,
    before: Option<String>,
    after: Option<String>,
    entry_px: Option<String>,
    closed_pnl: Option<String>,
    fee: Option<String>,
    fee_token: Option<String>,
    method: Option<String>,
    open_interest_share: Option<String>,
    maker_share: Option<String>,
    account_time: Option<i64>,
    account_value: Option<String>,
    leverage: Option<i64>,
    isolated: Option<bool>,
    liquidation_px: Option<String>,
    risk_basis: Option<String>,
    /// From here: of what was moved in or out.
    amount: Option<String>,
    token: Option<String>,
    ledger_type: Option<String>,
    counterparty: Option<String>,
    counterparty_label: Option<String>,
    /// Why something is null.
    #[sqlx(skip)]
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'static str>,
}

impl WhaleRow {
    pub(crate) fn explained(self) -> Self {
        let reason = match &self {
            Self { notional: None, .. } => Some("too_large_to_be_exact"),
            Self { coin: Some(_), account_time: None, .. } => Some("account_is_not_followed"),
            Self { after: Some(after), .. } => self.reason_of_the_order().or(self.reason_of_what_is_held(after)),
            _ => None,
        };
        Self { reason, ..self }
    }

    /// Its notional is known, and so is its average price.
    fn reason_of_the_order(&self) -> Option<&'static str> {
        match self {
            Self { closed_pnl: None, .. } => Some("a_fill_did_not_say_or_too_large_to_be_exact"),
            Self { fee: None, .. } => Some("a_fill_did_not_say_or_fees_are_of_two_tokens"),
            Self { open_interest_share: None, .. } => Some("open_interest_is_not_known"),
            Self { maker_share: None, .. } => Some("too_large_to_be_exact"),
            _ => None,
        }
    }

    fn reason_of_what_is_held(&self, after: &str) -> Option<&'static str> {
        match self {
            _ if is_flat(after) => Some("nothing_is_held_after"),
            Self { leverage: None, .. } => Some("terms_are_not_known_or_it_went_on"),
            Self { entry_px: None, .. } => Some("opened_before_anything_was_seen"),
            Self { liquidation_px: None, risk_basis: None, .. } => Some("a_mark_is_not_known"),
            Self { liquidation_px: None, .. } => Some("no_price_liquidates_it"),
            _ => None,
        }
    }

    fn of_an_order(self, order: &WhaleOrder) -> Self {
        Self {
            coin: Some(order.coin.to_string()),
            oid: Some(order.oid.cast_signed()),
            block: Some(order.block.cast_signed()),
            fills: Some(order.fills.into()),
            side: Some(order.side.name().to_owned()),
            size: Some(order.size.to_string()),
            average_px: order.average_px.map(|it| it.to_string()),
            taker_size: Some(order.taker_size.to_string()),
            before: Some(order.before.to_string()),
            after: Some(order.after.to_string()),
            entry_px: order.entry_px.map(|it| it.to_string()),
            closed_pnl: order.closed_pnl.map(|it| it.to_string()),
            fee: order.fee.map(|it| it.to_string()),
            fee_token: order.fee_token.as_deref().map(str::to_owned),
            method: order.method.as_deref().map(str::to_owned),
            open_interest_share: order.open_interest_share.map(|it| it.to_string()),
            maker_share: order.maker_share.map(|it| it.to_string()),
            account_time: order.account_time,
            account_value: order.account_value.map(|it| it.to_string()),
            leverage: order.leverage.map(i64::from),
            isolated: order.isolated,
            liquidation_px: order.liquidation_px.map(|it| it.to_string()),
            risk_basis: order.risk_basis.map(|it| it.name().to_owned()),
            ..self
        }
    }

    fn of_a_flow(self, flow: &WhaleFlow) -> Self {
        Self {
            amount: Some(flow.amount.to_string()),
            token: Some(flow.token.to_string()),
            ledger_type: Some(flow.ledger_type.to_string()),
            counterparty: flow.counterparty.map(|it| it.to_string()),
            counterparty_label: flow.counterparty_label.as_deref().map(str::to_owned),
            ..self
        }
    }
}

fn is_flat(size: &str) -> bool {
    size.parse::<Amount>().is_ok_and(Amount::is_zero)
}

impl From<WhaleActivity> for WhaleRow {
    fn from(activity: WhaleActivity) -> Self {
        let row = Self {
            wallet: activity.wallet.to_string(),
            id: activity.id,
            action: activity.action.name().to_owned(),
            time: activity.time,
            notional: activity.notional.map(|it| it.to_string()),
            threshold: activity.threshold.to_string(),
            rule_floor: activity.rule.floor.to_string(),
            rule_share: activity.rule.share_of_volume.to_string(),
            watched: activity.watched,
            label: activity.label.as_deref().map(str::to_owned),
            ..Self::default()
        };
        match (&activity.order, &activity.flow) {
            (Some(order), _) => row.of_an_order(order),
            (None, Some(flow)) => row.of_a_flow(flow),
            (None, None) => row,
        }
    }
}
