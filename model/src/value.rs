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

/// Appends a number without the formatting machinery: numbers are turned into text for every event stored.
fn decimal(mut v: u64, out: &mut String) {
    let mut digits = [0u8; 20];
    let mut at = digits.len();
    loop {
        at -= 1;
        if let Some(digit) = digits.get_mut(at) {
            *digit = b'0' + (v % 10) as u8;
        }
        v /= 10;
        if v == 0 {
            break;
        }
    }
    out.extend(digits.iter().skip(at).map(|d| char::from(*d)));
}

impl<'a> Value<'a> {
    /// The value as text, the form every string comparison uses: `4624`, `true`, `10.0.0.1`, RFC 3339. `None` for null.
    pub fn text(self) -> Option<Cow<'a, str>> {
        Some(match self {
            Value::Null => return None,
            Value::Bool(true) => Cow::Borrowed("true"),
            Value::Bool(false) => Cow::Borrowed("false"),
            Value::Int(_) | Value::Ip(IpAddr::V4(_)) => {
                let mut out = String::with_capacity(20);
                self.write_text(&mut out);
                Cow::Owned(out)
            }
            // serde_json prints the shortest text that reads back to the same double
            Value::Float(v) => Cow::Owned(serde_json::to_string(&v).unwrap_or_default()),
            Value::Time(v) => Cow::Owned(time::to_rfc3339(v)),
            Value::Ip(IpAddr::V6(v)) => Cow::Owned(v.to_string()),
            Value::Uuid(v) => Cow::Owned(v.to_string()),
            Value::Str(v) => Cow::Borrowed(v),
        })
    }

    /// Appends the text form to `out`; nothing for null.
    pub fn write_text(self, out: &mut String) {
        let _ = match self {
            Value::Null => Ok(()),
            Value::Bool(v) => write!(out, "{v}"),
            Value::Int(v) if v >= 0 => {
                decimal(v as u64, out);
                Ok(())
            }
            Value::Int(v) => write!(out, "{v}"),
            Value::Ip(IpAddr::V4(v)) => {
                v.octets().iter().enumerate().for_each(|(n, octet)| {
                    if n > 0 {
                        out.push('.');
                    }
                    decimal(u64::from(*octet), out);
                });
                Ok(())
            }
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
