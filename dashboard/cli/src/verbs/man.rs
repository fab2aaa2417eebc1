//! `fansipan man`: the manual, made of the same texts as `--help`.

use std::{fs, path::Path};

use anyhow::{Context as _, Result};
use clap::CommandFactory as _;
use fansipan_model::said;

use crate::{Fault, Outcome, args::Cli, output};

pub(super) fn man(cli: &Cli, dir: &Path) -> Result<Outcome> {
    let failed = || Fault::NoManual { path: dir.display().to_string() };
    fs::create_dir_all(dir).with_context(failed)?;
    clap_mangen::generate_to(Cli::command(), dir).with_context(failed)?;
    let written =
        fs::read_dir(dir).with_context(failed)?.flatten().filter(|e| e.file_name().to_string_lossy().starts_with("fansipan")).count();
    let dir = dir.display();
    output::say(cli, &said!("{written} pages in {dir}", "{written} trang trong {dir}"))?;
    Ok(Outcome::Done)
}

#[cfg(test)]
mod tests {
    use clap::{Command, Parser as _};

    use super::*;

    fn names(command: &Command, name: &str, all: &mut Vec<String>) {
        all.push(name.to_owned());
        for verb in command.get_subcommands().filter(|v| v.get_name() != "help") {
            names(verb, &format!("{name}-{}", verb.get_name()), all);
        }
    }

    #[test]
    fn every_verb_has_a_page_that_says_what_it_does() {
        let dir = tempfile::tempdir().unwrap();
        man(&Cli::parse_from(["fansipan", "man", "."]), dir.path()).unwrap();
        let mut all = Vec::new();
        names(&Cli::command(), "fansipan", &mut all);
        assert!(all.len() > 60, "{all:?}");
        for name in all {
            let text = fs::read_to_string(dir.path().join(format!("{name}.1"))).unwrap_or_else(|e| panic!("{name}: {e}"));
            let about = text.lines().skip_while(|l| *l != ".SH NAME").nth(1).unwrap_or_default();
            assert!(about.contains("\\- ") && about.len() > name.len() + 12, "{name} says nothing: {about}");
        }
    }
}
