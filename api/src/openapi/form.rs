//! The form of what is told → its JSON Schema. Rows of tables have theirs from the columns; what is put together by hand
//! is declared beside where that is done.

use std::collections::BTreeMap;

use schemas::Interval;
use schemas::table::Kind;
use serde_json::{Map, Value, json};

use super::meanings::Meaning;
use crate::filter::SIDES;
use crate::row::Shape;
use crate::{liquidation_map, liquidation_stats, markets};

/// Of a value.
#[derive(Clone, Copy)]
pub(crate) enum Form {
    Text,
    /// Exact, as a text of digits.
    Decimal,
    /// The same, or null.
    MaybeDecimal,
    Integer,
    /// The nearest that a machine has.
    Number,
    Boolean,
    Words(&'static [&'static str]),
    Interval,
    Wallet,
    List(&'static Form),
    Tuple(&'static [Form]),
    /// Values by names that nobody knows beforehand.
    Map(&'static Form),
    Object(&'static Object),
    /// A table's rows, under the name of their schema without its version.
    Shape(&'static str, &'static Shape),
    Either(&'static [Form]),
    Anything,
}

/// Something with named fields, in their order. What each of them means stands in `meanings.md`.
pub(crate) struct Object {
    pub(crate) name: &'static str,
    pub(crate) fields: &'static [Field],
    /// Those that may be left out, beside `reason`.
    pub(crate) optional: &'static [&'static str],
}

pub(crate) type Field = (&'static str, Form);

/// The fields of one after those of another, where one tells all that the other does, and more.
pub(crate) const fn joined<const ALL: usize>(parts: &[&[Field]]) -> [Field; ALL] {
    let mut all = [("", Form::Anything); ALL];
    let (mut part, mut place) = (0, 0);
    while part < parts.len() {
        let mut field = 0;
        while field < parts[part].len() {
            all[place] = parts[part][field];
            (place, field) = (place + 1, field + 1);
        }
        part += 1;
    }
    assert!(place == ALL);
    all
}

/// Schemas that are told once and referred to, by name.
pub(crate) type Components = BTreeMap<String, Value>;

impl Form {
    pub(crate) fn schema(self, components: &mut Components) -> Value {
        match self {
            Self::Text => json!({ "type": "string" }),
            Self::Decimal => json!({ "type": "string", "format": "decimal", "pattern": r"^-?[0-9]+(\.[0-9]+)?$" }),
            Self::MaybeDecimal => or_null(Self::Decimal.schema(components)),
            Self::Integer => json!({ "type": "integer", "format": "int64" }),
            Self::Number => json!({ "type": "number" }),
            Self::Boolean => json!({ "type": "boolean" }),
            Self::Words(words) => json!({ "type": "string", "enum": words }),
            Self::Interval => json!({ "type": "string", "enum": Interval::ALL.map(Interval::name) }),
            Self::Wallet => json!({ "type": "string", "pattern": "^0x[0-9a-f]{40}$" }),
            Self::List(of) => json!({ "type": "array", "items": of.schema(components) }),
            Self::Tuple(of) => {
                let items: Vec<Value> = of.iter().map(|form| form.schema(components)).collect();
                json!({ "type": "array", "prefixItems": items, "items": false, "minItems": of.len() })
            }
            Self::Map(of) => json!({ "type": "object", "additionalProperties": of.schema(components) }),
            Self::Object(object) => {
                let fields = object.fields.to_vec();
                reference(object.name, || fields, |name| object.optional.contains(&name), components)
            }
            Self::Shape(schema, shape) => {
                let name = schema.split('/').next().unwrap_or(schema);
                let fields = || shape.parts().map(|(field, kind)| (field, of_column(name, field, kind))).collect();
                reference(name, fields, |field| shape.optional.contains(&field), components)
            }
            Self::Either(forms) => {
                let forms: Vec<Value> = forms.iter().map(|form| form.schema(components)).collect();
                json!({ "anyOf": forms })
            }
            Self::Anything => json!({}),
        }
    }
}

pub(crate) fn or_null(schema: Value) -> Value {
    json!({ "anyOf": [schema, { "type": "null" }] })
}

/// A reference to what is told once.
pub(crate) fn reference(
    name: &str,
    fields: impl FnOnce() -> Vec<(&'static str, Form)>,
    is_optional: impl Fn(&str) -> bool,
    components: &mut Components,
) -> Value {
    if !components.contains_key(name) {
        let told = object(name, &fields(), is_optional, components);
        components.insert(name.to_owned(), told);
    }
    json!({ "$ref": format!("#/components/schemas/{name}") })
}

fn object(
    name: &str,
    fields: &[(&'static str, Form)],
    is_optional: impl Fn(&str) -> bool,
    components: &mut Components,
) -> Value {
    let (mut properties, mut required) = (Map::new(), Vec::new());
    for (field, form) in fields {
        let mut schema = form.schema(components);
        let meaning = Meaning::of(name, field);
        let is_left_out = is_optional(field) || (*field == "reason" && meaning.null.is_none());
        if meaning.null.is_some() {
            schema = or_null(schema);
        }
        schema["description"] = meaning.told().into();
        properties.insert((*field).to_owned(), schema);
        if !is_left_out {
            required.push(*field);
        }
    }
    json!({ "type": "object", "properties": properties, "required": required, "additionalProperties": false })
}

/// What is called so is always of the same form; the rest is as the column says.
fn of_column(row: &str, name: &str, kind: Kind) -> Form {
    match (name, kind) {
        ("wallet" | "counterparty", _) => Form::Wallet,
        ("interval", _) => Form::Interval,
        ("side", _) if row == "fill" => Form::Words(&["buy", "sell"]),
        ("side", _) if row == "position" => Form::Words(&["long", "short", "flat"]),
        ("side", _) => Form::Words(&SIDES),
        (_, Kind::Text) => Form::Text,
        (_, Kind::Decimal) => Form::Decimal,
        (_, Kind::Integer) => Form::Integer,
        (_, Kind::Boolean) => Form::Boolean,
        (_, Kind::Json) => of_json(row, name),
    }
}

/// What columns hold that hold more than one value.
fn of_json(row: &str, name: &str) -> Form {
    static BINS: Form = Form::List(&Form::Object(&liquidation_map::BIN));
    static BY_METHOD: Form = Form::Map(&Form::Object(&liquidation_stats::LIQUIDATED));
    static MARGIN_TIERS: Form = Form::List(&Form::Object(&markets::MARGIN_TIER));
    match (row, name) {
        ("market", "margin_tiers") => MARGIN_TIERS,
        ("liquidation-map", "bins") => BINS,
        ("liquidation-map", _) => Form::Object(&liquidation_map::SIDE),
        ("liquidation-stats", "largest") => Form::Object(&liquidation_stats::LARGEST),
        ("liquidation-stats", _) => BY_METHOD,
        _ => Form::Anything,
    }
}
