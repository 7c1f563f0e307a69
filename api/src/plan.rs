//! By which way a database goes to an answer: what it says of itself in, which tables are walked through out.

use std::mem;
use std::sync::{Arc, Mutex, PoisonError};

/// Of one statement.
#[derive(Debug, Clone)]
pub struct Plan {
    pub statement: String,
    /// As the database tells them.
    pub steps: Vec<String>,
}

/// Those of everything that was asked since they were taken last.
#[derive(Debug, Clone, Default)]
pub struct Plans(Arc<Mutex<Vec<Plan>>>);

impl Plans {
    pub fn take(&self) -> Vec<Plan> {
        mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) fn note(&self, plan: Plan) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(plan);
    }
}

impl Plan {
    /// The steps that go through a whole table instead of along an index, and the names they call it by.
    pub fn walks(&self) -> Vec<(&str, &str)> {
        self.steps.iter().filter_map(|step| Some((walked(step)?, step.as_str()))).collect()
    }

    /// Whether this is a name of that table in the statement, or of one of its days.
    pub fn calls(&self, name: &str, table: &str) -> bool {
        let whole = name.trim_end_matches(|char: char| char.is_ascii_digit()).trim_end_matches('_');
        [name, whole].iter().any(|name| *name == table || self.statement.contains(&format!("{table} AS {name}")))
    }
}

/// SQLite says `SCAN name`, and by which index if by any; Postgres `Seq Scan on table name`.
fn walked(step: &str) -> Option<&str> {
    let (of_sqlite, of_postgres) = (step.strip_prefix("SCAN "), step.split_once("Seq Scan on "));
    let rest = of_sqlite.filter(|_| !step.contains(" USING ")).or(of_postgres.map(|(_, rest)| rest))?;
    rest.split(' ').next()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_is_called_by_its_name_by_another_and_by_that_of_a_day() {
        let plan = Plan { statement: "SELECT 1 FROM transactions AS leg".to_owned(), steps: Vec::new() };
        for name in ["transactions", "leg", "transactions_20415"] {
            assert!(plan.calls(name, "transactions") && !plan.calls(name, "positions"), "{name}");
        }
        assert!(!plan.calls("position", "transactions"));
    }

    #[test]
    fn a_walk_is_one_without_an_index() {
        assert_eq!(walked("SCAN leg"), Some("leg"));
        assert_eq!(walked("SCAN leg USING INDEX transactions_by_coin"), None);
        assert_eq!(walked("SEARCH leg USING PRIMARY KEY (generation=?)"), None);
        assert_eq!(walked("  ->  Parallel Seq Scan on transactions leg  (cost=0.00..1.00)"), Some("transactions"));
        assert_eq!(walked("  ->  Index Scan using transactions_by_coin on transactions"), None);
    }
}
