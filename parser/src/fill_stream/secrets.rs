//! `${NAME}` in a text → what the environment holds by that name, which is never shown.

use std::fmt;

/// Everything that came from the environment.
#[derive(Clone, Default)]
pub struct Secrets {
    values: Vec<String>,
}

/// A variable that is needed and holds nothing, or a name without an end.
#[derive(Debug, PartialEq, Eq)]
pub enum Unset {
    Variable(String),
    Unclosed,
}

impl Secrets {
    pub fn fill(&mut self, text: &str, variable: impl Fn(&str) -> Option<String>) -> Result<String, Unset> {
        let (mut filled, mut rest) = (String::new(), text);
        while let Some((before, from)) = rest.split_once("${") {
            let (name, behind) = from.split_once('}').ok_or(Unset::Unclosed)?;
            let value = variable(name).filter(|value| !value.is_empty());
            let value = value.ok_or_else(|| Unset::Variable(name.to_owned()))?;
            filled.push_str(before);
            filled.push_str(&value);
            self.values.push(value);
            rest = behind;
        }
        filled.push_str(rest);
        Ok(filled)
    }

    /// What others have said, without what they should not have repeated.
    pub fn hide(&self, text: &str) -> String {
        self.values.iter().fold(text.to_owned(), |text, secret| text.replace(secret.as_str(), "…"))
    }
}

impl fmt::Display for Unset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Variable(name) => {
                write!(f, "needs the environment variable {name}, which is not set: export it and start again")
            }
            Self::Unclosed => f.write_str("has a `${` without a `}`"),
        }
    }
}
