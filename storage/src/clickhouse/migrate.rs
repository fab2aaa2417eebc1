//! The schema, as numbered SQL files that are applied once each and never edited.
//!
//! What differs between one server and a cluster stands in braces: `{local NAME}`, `{engine KIND [ARGUMENT]}`, `{settings}`,
//! `{distributed NAME KEY}`.

use super::{ClickHouseConfig, binary::Reader, link::Link, sql};
use crate::error::{Result, StoreError};

/// The files, in order; the number of a version is its place, from 1.
const MIGRATIONS: &[&str] =
    &[include_str!("migrations/001_events.sql"), include_str!("migrations/002_codecs.sql"), include_str!("migrations/003_filters.sql")];

/// Names of tables for one server or a cluster.
#[derive(Clone, Debug)]
pub(crate) struct Names {
    raw: String,
    database: String,
    cluster: Option<String>,
}

impl Names {
    pub(crate) fn new(config: &ClickHouseConfig) -> Names {
        Names {
            raw: config.database.clone(),
            database: sql::identifier(&config.database),
            cluster: config.cluster.as_deref().map(sql::identifier),
        }
    }

    /// The table that is read from and written to.
    pub(crate) fn table(&self, name: &str) -> String {
        format!("{}.{}", self.database, sql::identifier(name))
    }

    /// The table that holds the rows.
    pub(crate) fn local(&self, name: &str) -> String {
        format!("{}.{}", self.database, sql::identifier(&self.local_name(name)))
    }

    /// The bare name of [`Names::local`].
    pub(crate) fn local_name(&self, name: &str) -> String {
        if self.cluster.is_some() { format!("{name}_local") } else { name.to_owned() }
    }

    /// ` ON CLUSTER name`, or nothing.
    pub(crate) fn everywhere(&self) -> String {
        self.cluster.as_ref().map(|c| format!(" ON CLUSTER {c}")).unwrap_or_default()
    }

    /// A system table of every node.
    pub(crate) fn system(&self, name: &str) -> String {
        match &self.cluster {
            Some(cluster) => format!("clusterAllReplicas({cluster}, system.{name})"),
            None => format!("system.{name}"),
        }
    }

    /// A system table of one replica of every shard.
    pub(crate) fn system_once(&self, name: &str) -> String {
        match &self.cluster {
            Some(cluster) => format!("cluster({cluster}, system.{name})"),
            None => format!("system.{name}"),
        }
    }

    /// What drops everything.
    pub(crate) fn drop_database(&self) -> String {
        format!("DROP DATABASE IF EXISTS {}{} SYNC", self.database, self.everywhere())
    }

    /// The database's name as a text literal.
    pub(crate) fn database_text(&self) -> String {
        sql::text(&self.raw)
    }

    fn engine(&self, words: &str) -> String {
        let (kind, argument) = words.split_once(' ').unwrap_or((words, ""));
        match self.cluster {
            None => format!("{kind}({argument})"),
            Some(_) => {
                let more = if argument.is_empty() { String::new() } else { format!(", {argument}") };
                format!("Replicated{kind}('/clickhouse/tables/{{uuid}}/{{shard}}', '{{replica}}'{more})")
            }
        }
    }

    fn distributed(&self, words: &str) -> String {
        let (name, key) = words.split_once(' ').unwrap_or((words, "rand()"));
        let Some(cluster) = &self.cluster else { return String::new() };
        let (whole, local) = (self.table(name), self.local(name));
        let local_name = sql::identifier(&self.local_name(name));
        format!(
            "CREATE TABLE IF NOT EXISTS {whole}{} AS {local} ENGINE = Distributed({cluster}, {}, {local_name}, {key});",
            self.everywhere(),
            self.database
        )
    }

    /// A file's statements for this deployment.
    pub(crate) fn statements(&self, template: &str) -> Vec<String> {
        let mut text = String::new();
        let mut rest = template;
        while let Some((before, after)) = rest.split_once('{') {
            let (inside, next) = after.split_once('}').unwrap_or((after, ""));
            text.push_str(before);
            let (word, argument) = inside.split_once(' ').unwrap_or((inside, ""));
            text.push_str(&match word {
                "local" => format!("{}{}", self.local(argument), self.everywhere()),
                "engine" => self.engine(argument),
                "distributed" => self.distributed(argument),
                // a single server must have the bytes on its disk; a replicated one has them on other machines too
                _ => match self.cluster {
                    None => "fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1".to_owned(),
                    Some(_) => "fsync_after_insert = 1, min_rows_to_fsync_after_merge = 1".to_owned(),
                },
            });
            rest = next;
        }
        text.push_str(rest);
        let lines: Vec<&str> = text.lines().filter(|l| !l.trim_start().starts_with("--")).collect();
        lines.join("\n").split(";\n").map(|s| s.trim().trim_end_matches(';').to_owned()).filter(|s| !s.is_empty()).collect()
    }

    /// What is run before the first migration.
    pub(crate) fn foundation(&self) -> Vec<String> {
        let versions = self.local("schema_versions");
        vec![
            format!("CREATE DATABASE IF NOT EXISTS {}{}", self.database, self.everywhere()),
            format!(
                "CREATE TABLE IF NOT EXISTS {versions}{} (version UInt32, at DateTime64(3, 'UTC') DEFAULT now64(3, 'UTC')) ENGINE = {} ORDER BY version",
                self.everywhere(),
                self.engine("ReplacingMergeTree")
            ),
        ]
    }
}

/// Every statement of every version, for one server or a cluster: to look at, or to run by hand.
pub fn schema(config: &ClickHouseConfig) -> Vec<String> {
    let names = Names::new(config);
    names.foundation().into_iter().chain(MIGRATIONS.iter().flat_map(|m| names.statements(m))).collect()
}

/// Brings the schema to this program's version. Several programs may do so at once: every statement may run twice.
pub(crate) fn migrate(link: &Link, names: &Names) -> Result<()> {
    for statement in names.foundation() {
        link.execute("making the database", &statement)?;
    }
    let versions = names.local("schema_versions");
    let bytes = link.rows("reading the schema's version", &format!("SELECT max(version) FROM {versions}"))?;
    let at = Reader::new(&bytes).u32().unwrap_or(0) as usize;
    if at > MIGRATIONS.len() {
        return Err(StoreError::Migration {
            path: names.database.clone().into(),
            reason: format!("its schema is version {at}, this program knows {}", MIGRATIONS.len()),
        });
    }
    for (i, migration) in MIGRATIONS.iter().enumerate().skip(at) {
        for statement in names.statements(migration) {
            link.execute_whole("bringing the schema up to date", &statement)?;
        }
        link.execute("noting the schema's version", &format!("INSERT INTO {versions} (version) VALUES ({})", i + 1))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn for_cluster(cluster: Option<&str>) -> Vec<String> {
        schema(&ClickHouseConfig { cluster: cluster.map(str::to_owned), ..ClickHouseConfig::new("http://127.0.0.1:8123") })
    }

    #[test]
    fn one_server_has_plain_tables() {
        let all = for_cluster(None).join(";\n");
        assert!(!all.contains("ON CLUSTER") && !all.contains("Replicated") && !all.contains("Distributed") && !all.contains('{'), "{all}");
        assert!(all.contains("ENGINE = ReplacingMergeTree()\nPARTITION BY (day, class)"), "{all}");
        assert!(all.contains("fsync_after_insert = 1, fsync_part_directory = 1"));
    }

    #[test]
    fn a_cluster_has_replicated_tables_and_one_over_all_shards() {
        let statements = for_cluster(Some("province"));
        assert!(statements.iter().all(|s| s.contains("ON CLUSTER `province`")), "{statements:?}");
        let find = |part: &str| statements.iter().any(|s| s.contains(part));
        assert!(find("CREATE TABLE IF NOT EXISTS `fansipan`.`events_local` ON CLUSTER `province`"));
        assert!(find("ENGINE = ReplicatedReplacingMergeTree('/clickhouse/tables/{uuid}/{shard}', '{replica}')\nPARTITION BY"));
        assert!(find("ReplicatedReplacingMergeTree('/clickhouse/tables/{uuid}/{shard}', '{replica}', next)"));
        assert!(find(
            "CREATE TABLE IF NOT EXISTS `fansipan`.`events` ON CLUSTER `province` AS `fansipan`.`events_local` ENGINE = \
             Distributed(`province`, `fansipan`, `events_local`, cityHash64(topic, part))"
        ));
    }

    #[test]
    fn names_are_quoted() {
        let config = ClickHouseConfig { database: "a`b; DROP".into(), cluster: Some("c`d".into()), ..ClickHouseConfig::new("") };
        assert_eq!(Names::new(&config).local("events"), "`a\\`b; DROP`.`events_local`");
        assert_eq!(Names::new(&config).everywhere(), " ON CLUSTER `c\\`d`");
    }

    #[test]
    fn every_core_field_has_a_column() {
        let all = for_cluster(None).join("\n");
        for column in &super::super::columns::COLUMNS.list {
            assert!(all.contains(&format!("\n    {} {}", column.name, column.kind.sql_start())), "{} needs a migration", column.name);
        }
    }
}
