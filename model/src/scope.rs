//! Whose data: every event, alert and store call names an agency; a query without scope does not compile.

use compact_str::CompactString;
use serde::{Deserialize, Serialize};

/// Short name of an agency (tenant), `default` unless configured.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Agency(pub CompactString);

impl Agency {
    /// The agency of a source that no configuration assigns.
    pub const DEFAULT: &'static str = "default";

    /// An agency by name.
    pub fn new(name: &str) -> Self {
        Self(CompactString::from(name))
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for Agency {
    fn default() -> Self {
        Self::new(Self::DEFAULT)
    }
}

/// Which agencies a caller may see.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Scope {
    /// Every agency.
    All,
    /// These only; empty sees nothing.
    Agencies(Vec<Agency>),
}

impl Scope {
    /// Whether data of `agency` may be seen.
    pub fn allows(&self, agency: &str) -> bool {
        match self {
            Scope::All => true,
            Scope::Agencies(list) => list.iter().any(|a| a.as_str() == agency),
        }
    }
}
