//! Headers as seen: one line of the table is one record and what must come of it.

use super::{parameters, parse, repeated};

/// `priority|time|host|app|procid|msgid|sequence|structured|body`, empty for absent.
fn show(text: &str) -> String {
    let h = parse(text);
    let time = h.time.map(|t| {
        let year = t.year.map_or("....".to_owned(), |y| y.to_string());
        let nanos = if t.nanos == 0 { String::new() } else { format!(".{:09}", t.nanos).trim_end_matches('0').to_owned() };
        let offset = t.offset.map_or(String::new(), |o| format!("{o:+}"));
        format!("{year}-{:02}-{:02}T{:02}:{:02}:{:02}{nanos}{offset}", t.month, t.day, t.hour, t.minute, t.second)
    });
    let time = time.or(h.epoch.map(|(s, n)| format!("{s}.{n}"))).unwrap_or_default();
    let opt = |o: Option<&str>| o.unwrap_or("").to_owned();
    let number = |o: Option<u64>| o.map_or(String::new(), |n| n.to_string());
    [
        number(h.priority.map(u64::from)),
        time,
        opt(h.host),
        opt(h.app),
        opt(h.procid),
        opt(h.msgid),
        number(h.sequence),
        opt(h.structured),
        h.body.to_owned(),
    ]
    .join("|")
}

fn check(cases: &[(&str, &str)]) {
    for (text, expected) in cases {
        assert_eq!(show(text), *expected, "{text}");
    }
}

#[test]
fn rfc5424() {
    check(&[
        (
            "<34>1 2003-10-11T22:14:15.003Z mymachine.example.com su - ID47 - \u{feff}'su root' failed",
            "34|2003-10-11T22:14:15.003+0|mymachine.example.com|su||ID47|||'su root' failed",
        ),
        (
            r#"<165>1 2003-08-24T05:14:15.000003-07:00 192.0.2.1 myproc 8710 - [a@1 k="v \"q\" \]" x=""][b@2] text"#,
            r#"165|2003-08-24T05:14:15.000003-25200|192.0.2.1|myproc|8710|||[a@1 k="v \"q\" \]" x=""][b@2]|text"#,
        ),
        ("<13>1 - - - - - -", "13||||||||"),
        ("<13>1 2026-11-23T10:00:00Z fe80:: app 1 - - x", "13|2026-11-23T10:00:00+0|fe80::|app|1||||x"),
        (
            "<13>1 2026-11-23T10:00:00Z h app 1 - [error] no structured data",
            "13|2026-11-23T10:00:00+0|h|app|1||||[error] no structured data",
        ),
        ("<134>1 1563249630.774247467 MX84 flows src=10.0.0.1", "134|1563249630.774247467|MX84||||||flows src=10.0.0.1"),
    ]);
}

#[test]
fn rfc3164() {
    check(&[
        ("<34>Oct 11 22:14:15 mymachine su: 'su root' failed", "34|....-10-11T22:14:15|mymachine|su|||||'su root' failed"),
        ("<38>Nov  3 10:00:00 web01 sshd[1234]: Failed password", "38|....-11-03T10:00:00|web01|sshd|1234||||Failed password"),
        ("Nov  3 10:00:00 web01 sshd[1234]: no priority", "|....-11-03T10:00:00|web01|sshd|1234||||no priority"),
        ("<38>Nov 3 10:00:00 sshd[1234]: no host", "38|....-11-03T10:00:00||sshd|1234||||no host"),
        ("<38>Nov 23 2026 10:00:00 fw app: year", "38|2026-11-23T10:00:00|fw|app|||||year"),
        ("<38>Mon Nov 23 10:00:00 2026 fw app: weekday and year", "38|2026-11-23T10:00:00|fw|app|||||weekday and year"),
        ("<38>2026-11-23T10:00:00.123456+07:00 web01 sshd[1]: iso", "38|2026-11-23T10:00:00.123456+25200|web01|sshd|1||||iso"),
        ("2026-11-23T10:00:00+07:00 web01 sshd[1]: iso, no priority", "|2026-11-23T10:00:00+25200|web01|sshd|1||||iso, no priority"),
        ("<38>2026-11-23 10:00:00,250 web01 app: blank", "38|2026-11-23T10:00:00.25|web01|app|||||blank"),
        ("<38>Nov 23 10:00:00 MET-DST web01 app: zone", "38|....-11-23T10:00:00+7200|web01|app|||||zone"),
        ("<38>Nov 23 10:00:00 UTC+2:00 web01 app: zone", "38|....-11-23T10:00:00+7200|web01|app|||||zone"),
        ("<38>Nov 23 10:00:00 fe80::1%eth0 app: v6", "38|....-11-23T10:00:00|fe80::1%eth0|app|||||v6"),
        ("<38>Nov 23 10:00:00 2001:db8:: app: v6", "38|....-11-23T10:00:00|2001:db8::|app|||||v6"),
        ("<38>Nov 23 10:00:00 [warn] a message in brackets", "38|....-11-23T10:00:00|||||||[warn] a message in brackets"),
        ("<38>Nov 23 10:00:00 web01 [warn] brackets after host", "38|....-11-23T10:00:00|web01||||||[warn] brackets after host"),
        ("<13>sshd[7]: no time", "13|||sshd|7||||no time"),
        ("<13>web01 sshd[7]: no time", "13||web01|sshd|7||||no time"),
        ("<13>app: no time", "13|||app|||||no time"),
        ("sshd[7]: nothing but a tag", "|||sshd|7||||nothing but a tag"),
        ("<86>Nov 23 10:00:00 h postfix/smtpd[9]: x", "86|....-11-23T10:00:00|h|postfix/smtpd|9||||x"),
        ("<86>Nov 23 10:00:00 h (systemd)[9]: x", "86|....-11-23T10:00:00|h||||||(systemd)[9]: x"),
        ("<38>Nov 23 10:00:00 sol sshd[12]: [ID 800047 auth.info] Failed", "38|....-11-23T10:00:00|sol|sshd|12|800047|||Failed"),
        ("<0>Nov 23 10:00:00 h last message repeated 2 times", "0|....-11-23T10:00:00|h||||||last message repeated 2 times"),
    ]);
}

#[test]
fn network_devices() {
    check(&[
        (
            "<189>123: *Mar  1 18:46:11.123 UTC: %SYS-5-CONFIG_I: Configured",
            "189|....-03-01T18:46:11.123+0|||||123||%SYS-5-CONFIG_I: Configured",
        ),
        ("<189>000123: R1: *Mar  1 18:46:11: %SYS-5-X: y", "189|....-03-01T18:46:11|R1||||123||%SYS-5-X: y"),
        ("<189>45: %LINK-3-UPDOWN: Interface", "189||||||45||%LINK-3-UPDOWN: Interface"),
        ("<166>Nov 23 2026 10:00:00: %ASA-6-302013: Built", "166|2026-11-23T10:00:00|||||||%ASA-6-302013: Built"),
        ("<166>Nov 23 2026 10:00:00 fw01 : %ASA-6-302013: Built", "166|2026-11-23T10:00:00|fw01||||||%ASA-6-302013: Built"),
        ("<166>:Nov 23 10:00:00 EST: %ASA-6-302013: Built", "166|....-11-23T10:00:00-18000|||||||%ASA-6-302013: Built"),
        ("<189>2026 Nov 23 10:00:00 UTC: %ETHPORT-5-IF_UP: x", "189|2026-11-23T10:00:00+0|||||||%ETHPORT-5-IF_UP: x"),
        ("<189>date=2026-11-23 time=10:00:00 devname=\"fw\"", "189||||||||date=2026-11-23 time=10:00:00 devname=\"fw\""),
        ("date=2026-11-23 time=10:00:00 devname=\"fw\"", "||||||||date=2026-11-23 time=10:00:00 devname=\"fw\""),
        ("<134>Nov 23 10:00:00 fw CEF:0|V|P|1|2|n|3|a=b", "134|....-11-23T10:00:00|fw||||||CEF:0|V|P|1|2|n|3|a=b"),
        ("<134>Nov 23 10:00:00 CEF:0|V|P|1|2|n|3|a=b", "134|....-11-23T10:00:00|||||||CEF:0|V|P|1|2|n|3|a=b"),
        ("<14>Nov 23 10:00:00 fw 1,2026/11/23 10:00:00,0011,TRAFFIC", "14|....-11-23T10:00:00|fw||||||1,2026/11/23 10:00:00,0011,TRAFFIC"),
    ]);
}

#[test]
fn what_is_no_header_is_body() {
    for text in [
        "",
        " ",
        "<",
        "<>",
        "<999>x",
        "<1234>x",
        "{\"a\":1}",
        "type=SYSCALL msg=audit(1.2:3): a",
        "10.0.0.1 - - [23/Nov/2026:10:00:00 +0700] \"GET / HTTP/1.1\" 200 1",
        "2026/11/23 10:00:00 [error] 1#0: x",
        "2026-11-23 10:00:00 10.0.0.1 GET /",
        "Nov 33 10:00:00 x",
        "<13>1 nonsense",
        "error: a line of some program",
    ] {
        let h = parse(text);
        let expected = if text.starts_with("<13>") { "1 nonsense" } else { text.trim_start_matches(' ') };
        assert_eq!(h.body, expected, "{text}");
        assert!(h.time.is_none() && h.host.is_none(), "{text}");
    }
}

#[test]
fn structured_data_as_fields() {
    let mut out = Vec::new();
    parameters(r#"[a@1 k="v" x="y \"z\""][b q=""]"#, |id, name, value| out.push(format!("{id}.{name}={value}")));
    assert_eq!(out, ["a@1.k=v", r#"a@1.x=y \"z\""#, "b.q="]);
}

#[test]
fn repeated_messages() {
    assert_eq!(repeated("message repeated 3 times: [ Failed password]"), Some((3, "Failed password")));
    for text in ["message repeated x times: [ a]", "message repeated 3 times: [ a", "last message repeated 3 times"] {
        assert_eq!(repeated(text), None, "{text}");
    }
}
