//! The playbooks there are: those shipped with the program, and the operator's own, which replace shipped ones of the same id.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use super::{Condition, Fault, Playbook, facts, parse};
use fansipan_model::Incident;

/// Shipped: one line a file.
const SHIPPED: [(&str, &str); 11] = [
    ("denial-of-service.yaml", include_str!("../../playbooks/denial-of-service.yaml")),
    ("phishing.yaml", include_str!("../../playbooks/phishing.yaml")),
    ("malware.yaml", include_str!("../../playbooks/malware.yaml")),
    ("unauthorized-access.yaml", include_str!("../../playbooks/unauthorized-access.yaml")),
    ("defacement.yaml", include_str!("../../playbooks/defacement.yaml")),
    ("ransomware.yaml", include_str!("../../playbooks/ransomware.yaml")),
    ("sabotage.yaml", include_str!("../../playbooks/sabotage.yaml")),
    ("data-theft.yaml", include_str!("../../playbooks/data-theft.yaml")),
    ("combined.yaml", include_str!("../../playbooks/combined.yaml")),
    ("system-fault.yaml", include_str!("../../playbooks/system-fault.yaml")),
    ("operator-fault.yaml", include_str!("../../playbooks/operator-fault.yaml")),
];

/// A playbook with its text.
#[derive(Clone, Debug)]
pub struct Entry {
    /// What it says.
    pub playbook: Playbook,
    /// Its text.
    pub source: String,
    /// Where it was read from.
    pub file: String,
}

/// All playbooks, by id.
#[derive(Clone, Debug, Default)]
pub struct Library {
    entries: BTreeMap<String, Arc<Entry>>,
    faults: Vec<Fault>,
}

impl Library {
    /// The shipped ones and those under `paths`. What does not read is kept as a fault and leaves the rest in force.
    pub fn load(paths: &[PathBuf]) -> Library {
        let mut library = Library::default();
        for (file, text) in SHIPPED {
            library.add(text, file);
        }
        for path in paths {
            for file in files(path, &mut library.faults) {
                match fs::read_to_string(&file) {
                    Ok(text) => library.add(&text, &file.display().to_string()),
                    Err(e) => library.faults.push(unreadable(&file, &e)),
                }
            }
        }
        library
    }

    fn add(&mut self, text: &str, file: &str) {
        match parse(text, file) {
            Ok(playbook) => {
                let entry = Entry { source: text.to_owned(), file: file.to_owned(), playbook };
                self.entries.insert(entry.playbook.id.clone(), Arc::new(entry));
            }
            Err(fault) => self.faults.push(fault),
        }
    }

    /// All of them, by id.
    pub fn all(&self) -> impl Iterator<Item = &Arc<Entry>> {
        self.entries.values()
    }

    /// One of them.
    pub fn get(&self, id: &str) -> Option<&Arc<Entry>> {
        self.entries.get(id)
    }

    /// What was refused.
    pub fn faults(&self) -> &[Fault] {
        &self.faults
    }

    /// Whether a playbook says of itself that it fits an incident.
    pub fn fits(playbook: &Playbook, incident: &Incident) -> bool {
        let empty = BTreeMap::new();
        let holds = || Condition::new(&playbook.when, &[])?.holds(&facts::context(incident, &[], &empty, &empty)?);
        holds().unwrap_or(false)
    }
}

fn unreadable(path: &Path, error: &std::io::Error) -> Fault {
    Fault { file: path.display().to_string(), line: 1, column: 1, message: format!("cannot be read: {error}") }
}

/// A file, or the YAML files of a folder in order of name.
fn files(path: &Path, faults: &mut Vec<Fault>) -> Vec<PathBuf> {
    if !path.is_dir() {
        return vec![path.to_owned()];
    }
    match fs::read_dir(path) {
        Ok(entries) => {
            let yaml = |p: &PathBuf| p.extension().is_some_and(|e| e == "yaml" || e == "yml");
            let mut out: Vec<PathBuf> = entries.flatten().map(|e| e.path()).filter(yaml).collect();
            out.sort();
            out
        }
        Err(e) => {
            faults.push(unreadable(path, &e));
            Vec::new()
        }
    }
}
