//! Zeek's JSON logs: which log a record is of, and its fields told apart by it.
//!
//! Every Zeek log has its own meaning of `service`, `name` or `status`, and the writer leaves the log's name out of the record
//! unless told otherwise. So the log is found by the fields that only it has, and keys come as `conn.duration`,
//! `dns.query`; `ts`, `uid`, `id.*` and what begins with `_` mean the same everywhere and stay bare. The log's name comes first, as `log`.

use std::sync::LazyLock;

use fansipan_model::{Value, json};
use hashbrown::HashMap;
use memchr::memmem::Finder;

use super::{DecodeError, Decoder, Each};

/// The `zeek` syntax.
pub struct Zeek;

/// Fields that tell a log: all of a row must be there. First row that fits wins, so rows of fewer fields stand later.
const SIGNATURES: &[(&str, &[&str])] = &[
    ("conn", &["conn_state"]),
    ("notice", &["note", "suppress_for"]),
    ("notice", &["note", "actions"]),
    ("intel", &["seen.indicator"]),
    ("x509", &["certificate.serial"]),
    ("ssl", &["established", "resumed"]),
    ("ssl", &["established", "version"]),
    ("dns", &["qclass"]),
    ("dns", &["rcode_name"]),
    ("dns", &["query", "trans_id"]),
    ("smtp", &["trans_depth", "helo"]),
    ("smtp", &["trans_depth", "mailfrom"]),
    ("smtp", &["trans_depth", "last_reply"]),
    ("http", &["trans_depth"]),
    ("files", &["fuid", "seen_bytes"]),
    ("pe", &["is_exe", "subsystem"]),
    ("ssh", &["auth_attempts"]),
    ("ssh", &["host_key_alg"]),
    ("ssh", &["client", "server", "version", "uid"]),
    ("kerberos", &["request_type"]),
    ("ntlm", &["domainname", "hostname", "uid"]),
    ("ntlm", &["server_nb_computer_name"]),
    ("rdp", &["security_protocol"]),
    ("rdp", &["cookie", "result"]),
    ("smb_files", &["action", "times.modified"]),
    ("smb_files", &["action", "path", "name"]),
    ("smb_mapping", &["share_type"]),
    ("dce_rpc", &["endpoint", "operation"]),
    ("ftp", &["command", "reply_code"]),
    ("dhcp", &["msg_types"]),
    ("ldap_search", &["base_object"]),
    ("ldap", &["message_id", "opcode"]),
    ("quic", &["client_initial_dcid"]),
    ("radius", &["result", "username"]),
    ("mysql", &["cmd", "arg"]),
    ("snmp", &["community"]),
    ("sip", &["call_id"]),
    ("socks", &["bound.host"]),
    ("socks", &["request_p"]),
    ("ntp", &["stratum"]),
    ("modbus", &["func", "tid"]),
    ("dnp3", &["fc_request"]),
    ("syslog", &["facility", "severity", "message"]),
    ("tunnel", &["tunnel_type"]),
    ("software", &["software_type"]),
    ("known_services", &["port_num", "port_proto"]),
    ("weird", &["name", "notice", "peer"]),
    ("dpd", &["analyzer", "failure_reason"]),
    ("capture_loss", &["percent_lost"]),
    ("stats", &["pkts_proc"]),
    ("reporter", &["level", "message", "location"]),
    // a log of a package or of a later version
    ("unknown", &["uid", "id.orig_h"]),
];

/// Signatures as sets of keys, one bit a key.
struct Signatures {
    bits: HashMap<&'static str, u128, foldhash::fast::RandomState>,
    logs: Vec<(&'static str, u128)>,
}

static COMPILED: LazyLock<Signatures> = LazyLock::new(|| {
    let mut bits: HashMap<&'static str, u128, foldhash::fast::RandomState> = HashMap::default();
    let mut logs = Vec::new();
    for (log, keys) in SIGNATURES {
        let mut set = 0;
        for key in *keys {
            let next = 1 << bits.len();
            set |= *bits.entry(key).or_insert(next);
        }
        logs.push((*log, set));
    }
    Signatures { bits, logs }
});

static PATH: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new("\"_path\""));
static TS: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new("\"ts\""));

/// The name of the log, as Zeek names its files.
fn log(body: &str) -> Option<&str> {
    if let Some(at) = PATH.find(body.as_bytes()) {
        let rest = body.get(at + 7..)?.trim_start().strip_prefix(':')?.trim_start().strip_prefix('"')?;
        let (name, _) = rest.split_once('"')?;
        let fits = !name.is_empty() && name.len() <= 32 && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
        return fits.then_some(name);
    }
    let signatures = &*COMPILED;
    let mut found = 0;
    let mut last = 0;
    for quote in memchr::memchr_iter(b'"', body.as_bytes()) {
        // what stands between two quotes and before a colon is a key, or a value that imitates one inside escaped quotes
        if body.as_bytes().get(quote + 1) == Some(&b':')
            && let Some(bit) = body.get(last + 1..quote).and_then(|key| signatures.bits.get(key))
        {
            found |= bit;
        }
        last = quote;
    }
    signatures.logs.iter().find(|(_, set)| found & set == *set).map(|(name, _)| *name)
}

impl Decoder for Zeek {
    fn name(&self) -> &'static str {
        "zeek"
    }

    fn sniff(&self, body: &str) -> bool {
        body.starts_with('{') && TS.find(body.as_bytes()).is_some()
    }

    fn decode(&self, body: &str, each: &mut Each<'_>) -> Result<(), DecodeError> {
        let log = log(body).ok_or_else(|| DecodeError::new("zeek", "of no log that Zeek writes"))?;
        each("log", Value::Str(log));
        let mut key = String::from(log);
        key.push('.');
        let base = key.len();
        json::flatten(body, |name, value| {
            if matches!(name, "ts" | "uid") || name.starts_with("id.") || name.starts_with('_') {
                return each(name, value);
            }
            key.truncate(base);
            key.push_str(name);
            each(&key, value);
        })
        .map_err(|e| DecodeError::new("zeek", e.to_string()))
    }

    fn prose(&self) -> bool {
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(body: &str) -> Vec<(String, String)> {
        let mut out = Vec::new();
        Zeek.decode(body, &mut |key, value| out.push((key.to_owned(), value.text().unwrap_or_default().into_owned()))).unwrap();
        out
    }

    #[test]
    fn a_log_is_known_by_its_name_or_its_fields() {
        for (body, expected) in [
            (r#"{"_path":"dns","ts":1.5,"query":"a.vn"}"#, "dns"),
            (r#"{"ts":1.5,"uid":"C","conn_state":"SF"}"#, "conn"),
            (r#"{"ts":1.5,"uid":"C","trans_depth":1,"method":"GET"}"#, "http"),
            (r#"{"ts":1.5,"uid":"C","trans_depth":1,"mailfrom":"a@b"}"#, "smtp"),
            (r#"{"ts":1.5,"fuid":"F","seen_bytes":3}"#, "files"),
        ] {
            assert!(Zeek.sniff(body));
            assert_eq!(pairs(body)[0], ("log".to_owned(), expected.to_owned()));
        }
        for foreign in [r#"{"a":1}"#, r#"{"ts":1,"x":"conn_state"}"#, r#"{"_path":"../etc","ts":1}"#, r#"{"ts":1,"x":"\"conn_state\":"}"#] {
            assert!(Zeek.decode(foreign, &mut |_, _| {}).is_err(), "{foreign}");
        }
    }

    #[test]
    fn keys_carry_their_log() {
        let got = pairs(r#"{"_path":"conn","ts":1.5,"id.orig_h":"10.0.0.1","id":{"resp_p":443},"service":"ssl"}"#);
        let names: Vec<&str> = got.iter().map(|(k, _)| k.as_str()).collect();
        assert_eq!(names, ["log", "_path", "ts", "id.orig_h", "id.resp_p", "conn.service"]);
    }
}
