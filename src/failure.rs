//! Why the process ends with a status other than zero, said in one line.

use std::error::Error;
use std::fmt;
use std::process::ExitCode;

use parser::SourceError;

use crate::log::LogError;

#[derive(Debug)]
pub enum Failure {
    /// The command cannot be meant like this: status 2.
    Usage(String),
    /// A task is to be made anew from what it has committed; for a process, the same as `Stop`.
    Again { what: String, at_once: bool },
    /// The end was asked for while it waited for something: status 0.
    Ended { doing: String },
    /// It cannot go on: status 1.
    Stop { what: String, cause: Option<Box<dyn Error + Send + Sync>> },
}

impl Failure {
    pub fn stop(what: impl Into<String>) -> Self {
        Self::Stop { what: what.into(), cause: None }
    }

    pub fn because(what: impl Into<String>, cause: impl Error + Send + Sync + 'static) -> Self {
        Self::Stop { what: what.into(), cause: Some(Box::new(cause)) }
    }

    /// Prints the whole chain and gives the status.
    pub fn report(&self) -> ExitCode {
        if let Self::Ended { .. } = self {
            tracing::info!("{self}");
            return ExitCode::SUCCESS;
        }
        eprintln!("fathom: {}", self.chain());
        match self {
            Self::Usage(_) => ExitCode::from(2),
            Self::Again { .. } | Self::Ended { .. } | Self::Stop { .. } => ExitCode::FAILURE,
        }
    }

    /// What happened and why, each said once.
    pub fn chain(&self) -> String {
        let mut line = self.to_string();
        let mut cause = self.source();
        while let Some(error) = cause {
            let said = error.to_string();
            if !line.contains(&said) {
                line.push_str(": ");
                line.push_str(&said);
            }
            cause = error.source();
        }
        line
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Usage(what) | Self::Again { what, .. } | Self::Stop { what, .. } => f.write_str(what),
            Self::Ended { doing } => write!(f, "ended before it was done: {doing}"),
        }
    }
}

impl Error for Failure {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Usage(_) | Self::Again { .. } | Self::Ended { .. } => None,
            Self::Stop { cause, .. } => cause.as_deref().map(|cause| cause as &(dyn Error + 'static)),
        }
    }
}

impl From<SourceError> for Failure {
    fn from(error: SourceError) -> Self {
        Self::because(error.to_string(), error)
    }
}

impl From<LogError> for Failure {
    fn from(error: LogError) -> Self {
        if let LogError::Ended { doing } = error {
            return Self::Ended { doing };
        }
        let what = error.to_string();
        if error.again() {
            // Who was shut out waits for what the group says; everybody else just goes on.
            return Self::Again { what, at_once: !matches!(error, LogError::Fenced { .. }) };
        }
        Self::because(what, error)
    }
}
