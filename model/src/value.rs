//! One value of a field, and its text.

use std::{borrow::Cow, fmt::Write as _, net::IpAddr};

use uuid::Uuid;

use crate::time;

/// One value of a field.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Value<'a> {
    /// Present without a value.
    Null,
    /// Boolean.
    Bool(bool),
    /// Integer.
    Int(i64),
    /// Finite double.
    Float(f64),
    /// UTC nanoseconds.
    Time(i64),
    /// Address.
    Ip(IpAddr),
    /// UUID.
    Uuid(Uuid),
    /// Text.
    Str(&'a str),
}

/// A number in decimal, on the stack: numbers are turned into text for every event, without the formatting machinery.
pub fn decimal(value: i64, buffer: &mut [u8; 20]) -> &str {
    let mut at = buffer.len();
    let mut rest = value.unsigned_abs();
    loop {
        at -= 1;
        if let Some(b) = buffer.get_mut(at) {
            *b = b'0' + (rest % 10) as u8;
        }
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    if value < 0 {
        at -= 1;
        if let Some(b) = buffer.get_mut(at) {
            *b = b'-';
        }
    }
    buffer.get(at..).and_then(|b| std::str::from_utf8(b).ok()).unwrap_or("")
}

impl<'a> Value<'a> {
    /// The value as text, the form every string comparison uses: `4624`, `true`, `10.0.0.1`, RFC 3339. `None` for null.
    pub fn text(self) -> Option<Cow<'a, str>> {
        Some(match self {
            Value::Null => return None,
            Value::Bool(true) => Cow::Borrowed("true"),
            Value::Bool(false) => Cow::Borrowed("false"),
            Value::Int(_) | Value::Ip(_) => {
                let mut out = String::with_capacity(20);
                self.write_text(&mut out);
                Cow::Owned(out)
            }
            // serde_json prints the shortest text that reads back to the same double
            Value::Float(v) => Cow::Owned(serde_json::to_string(&v).unwrap_or_default()),
            Value::Time(v) => Cow::Owned(time::to_rfc3339(v)),
            Value::Uuid(v) => Cow::Owned(v.to_string()),
            Value::Str(v) => Cow::Borrowed(v),
        })
    }

    /// Appends the text form to `out`; nothing for null.
    pub fn write_text(self, out: &mut String) {
        let _ = match self {
            Value::Null => Ok(()),
            Value::Bool(v) => write!(out, "{v}"),
            Value::Int(v) => out.write_str(decimal(v, &mut [0; 20])),
            Value::Ip(IpAddr::V4(v)) => v.octets().into_iter().enumerate().try_for_each(|(n, octet)| {
                out.write_str(if n > 0 { "." } else { "" })?;
                out.write_str(decimal(octet.into(), &mut [0; 20]))
            }),
            Value::Ip(IpAddr::V6(v)) => write!(out, "{v}"),
            Value::Uuid(v) => write!(out, "{v}"),
            Value::Str(v) => out.write_str(v),
            Value::Float(_) | Value::Time(_) => out.write_str(&self.text().unwrap_or_default()),
        };
    }

    /// The text, if it is text.
    pub fn as_str(self) -> Option<&'a str> {
        if let Value::Str(s) = self { Some(s) } else { None }
    }

    /// The value as an address, read from text where necessary.
    pub fn as_ip(self) -> Option<IpAddr> {
        match self {
            Value::Ip(ip) => Some(ip),
            Value::Str(s) => s.parse().ok(),
            _ => None,
        }
    }

    /// The value as a double, read from text where necessary.
    pub fn as_number(self) -> Option<f64> {
        match self {
            Value::Int(v) => Some(v as f64),
            Value::Float(v) => Some(v),
            Value::Str(s) => s.trim().parse().ok().filter(|v: &f64| v.is_finite()),
            _ => None,
        }
    }
}
