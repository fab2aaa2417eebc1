//! Times at the start of syslog messages, in every order devices write them.

use crate::clock::{Civil, offset, zone_name};

/// Two digits (or one, or a blank and one) at `at`; the number and where it ends.
fn two(bytes: &[u8], at: usize) -> Option<(u8, usize)> {
    let digit = |i: usize| bytes.get(i).filter(|b| b.is_ascii_digit()).map(|b| b - b'0');
    match (digit(at), digit(at + 1)) {
        (Some(a), Some(b)) => Some((a * 10 + b, at + 2)),
        (Some(a), None) => Some((a, at + 1)),
        _ => None,
    }
}

fn four(bytes: &[u8], at: usize) -> Option<i32> {
    let digits = bytes.get(at..at + 4)?;
    if !digits.iter().all(u8::is_ascii_digit) || bytes.get(at + 4).is_some_and(u8::is_ascii_digit) {
        return None;
    }
    Some(digits.iter().fold(0, |n, b| n * 10 + i32::from(b - b'0')))
}

/// `Jan` … `Dec`.
pub(crate) fn month(bytes: &[u8]) -> Option<u8> {
    let lower = |i: usize| bytes.get(i).map_or(0, u8::to_ascii_lowercase);
    Some(match [lower(0), lower(1), lower(2)] {
        [b'j', b'a', b'n'] => 1,
        [b'f', b'e', b'b'] => 2,
        [b'm', b'a', b'r'] => 3,
        [b'a', b'p', b'r'] => 4,
        [b'm', b'a', b'y'] => 5,
        [b'j', b'u', b'n'] => 6,
        [b'j', b'u', b'l'] => 7,
        [b'a', b'u', b'g'] => 8,
        [b's', b'e', b'p'] => 9,
        [b'o', b'c', b't'] => 10,
        [b'n', b'o', b'v'] => 11,
        [b'd', b'e', b'c'] => 12,
        _ => return None,
    })
}

/// `hh:mm:ss` with an optional fraction after `.` or `,`.
fn clock(bytes: &[u8], at: usize, civil: &mut Civil) -> Option<usize> {
    let (hour, at) = two(bytes, at)?;
    let (minute, at) = two(bytes, at + usize::from(bytes.get(at) == Some(&b':'))).filter(|_| bytes.get(at) == Some(&b':'))?;
    let (second, at) = two(bytes, at + 1).filter(|_| bytes.get(at) == Some(&b':'))?;
    (civil.hour, civil.minute, civil.second) = (hour, minute, second);
    match bytes.get(at) {
        Some(b'.' | b',') if bytes.get(at + 1).is_some_and(u8::is_ascii_digit) => {
            let digits = bytes.get(at + 1..)?.iter().take_while(|b| b.is_ascii_digit()).count();
            civil.nanos = fraction(bytes.get(at + 1..at + 1 + digits)?);
            Some(at + 1 + digits)
        }
        _ => Some(at),
    }
}

/// Digits after the point as nanoseconds.
pub(crate) fn fraction(digits: &[u8]) -> u32 {
    (0..9).fold(0, |n, i| n * 10 + digits.get(i).map_or(0, |b| u32::from(b.saturating_sub(b'0'))))
}

/// `2026-11-23T10:00:00.5+07:00`; the zone may be missing, and with `loose` the `T` may be a blank and a blank may stand before the
/// zone. How many bytes were read.
pub(crate) fn iso(text: &str, loose: bool) -> Option<(Civil, usize)> {
    let bytes = text.as_bytes();
    let mut civil = Civil { year: Some(four(bytes, 0)?), ..Civil::default() };
    if bytes.get(4) != Some(&b'-') || bytes.get(7) != Some(&b'-') {
        return None;
    }
    (civil.month, civil.day) = (two(bytes, 5)?.0, two(bytes, 8)?.0);
    match bytes.get(10)? {
        b'T' | b't' => {}
        b' ' if loose => {}
        _ => return None,
    }
    let mut at = clock(bytes, 11, &mut civil)?;
    let zone_at = if loose && bytes.get(at) == Some(&b' ') && matches!(bytes.get(at + 1), Some(b'+' | b'-')) { at + 1 } else { at };
    match bytes.get(zone_at) {
        Some(b'Z' | b'z') => {
            civil.offset = Some(0);
            at = zone_at + 1;
        }
        Some(b'+' | b'-') => {
            let length = bytes.get(zone_at + 1..)?.iter().take(5).take_while(|b| b.is_ascii_digit() || **b == b':').count();
            if let Some(seconds) = text.get(zone_at..zone_at + 1 + length).and_then(offset) {
                civil.offset = Some(seconds);
                at = zone_at + 1 + length;
            }
        }
        _ => {}
    }
    civil.is_valid().then_some((civil, at))
}

/// `1563249630.774247467`
pub(super) fn epoch(text: &str) -> Option<(i64, u32)> {
    let (seconds, part) = text.split_once('.')?;
    if !(9..=10).contains(&seconds.len()) || part.is_empty() || !seconds.bytes().chain(part.bytes()).all(|b| b.is_ascii_digit()) {
        return None;
    }
    Some((seconds.parse().ok()?, fraction(part.as_bytes())))
}

/// A time at the start of `text` and what follows it (a blank not yet taken off). `sure` after a priority: then a date and a
/// time of day with a blank between count too, which without one begin the lines of many programs.
pub(super) fn legacy(text: &str, sure: bool) -> Option<(Civil, &str)> {
    // Cisco marks a clock that is not synchronized with `*` or `.`
    let text = text.strip_prefix(['*', '.']).unwrap_or(text);
    let bytes = text.as_bytes();
    let (mut civil, mut at) = match bytes.first()? {
        b if b.is_ascii_digit() => match iso(text, sure) {
            Some(found) => found,
            None => year_first(bytes)?,
        },
        b if b.is_ascii_alphabetic() => {
            // `Mon Nov 23 …`
            let skip = if month(bytes).is_none() && bytes.get(3) == Some(&b' ') { 4 } else { 0 };
            month_first(bytes, skip)?
        }
        _ => return None,
    };
    if !bytes.get(at).is_none_or(|b| matches!(b, b' ' | b':' | b'\t')) {
        return None;
    }
    if civil.offset.is_none() {
        at = zone(text, at, &mut civil);
    }
    if civil.year.is_none()
        && let Some(year) = bytes.get(at).filter(|b| **b == b' ').and_then(|_| four(bytes, at + 1)).filter(|y| (1970..2100).contains(y))
        && match bytes.get(at + 5) {
            None | Some(b' ') => true,
            Some(b':') => matches!(bytes.get(at + 6), None | Some(b' ')), // not the host `2001:db8::1`
            Some(_) => false,
        }
    {
        civil.year = Some(year);
        at += 5;
    }
    if !civil.is_valid() {
        return None;
    }
    Some((civil, text.get(at..)?))
}

/// `Nov 23 10:00:00`, `Nov  3 2026 10:00:00`
fn month_first(bytes: &[u8], at: usize) -> Option<(Civil, usize)> {
    let mut civil = Civil { month: month(bytes.get(at..)?)?, ..Civil::default() };
    if bytes.get(at + 3) != Some(&b' ') {
        return None;
    }
    let day = at + 4 + usize::from(bytes.get(at + 4) == Some(&b' '));
    let (number, mut at) = two(bytes, day)?;
    civil.day = number;
    at += usize::from(bytes.get(at) == Some(&b','));
    if bytes.get(at) != Some(&b' ') {
        return None;
    }
    at += 1;
    if let Some(year) = four(bytes, at) {
        civil.year = Some(year);
        at += 5;
    }
    let end = clock(bytes, at, &mut civil)?;
    Some((civil, end))
}

/// `2026 Nov 23 10:00:00` (Cisco NX-OS)
fn year_first(bytes: &[u8]) -> Option<(Civil, usize)> {
    let year = four(bytes, 0)?;
    let (mut civil, at) = month_first(bytes, 5).filter(|_| bytes.get(4) == Some(&b' '))?;
    civil.year.get_or_insert(year);
    Some((civil, at))
}

/// ` UTC`, ` MET-DST`, ` +07:00`, ` UTC+2:00` after the time. Where the text goes on.
fn zone(text: &str, at: usize, civil: &mut Civil) -> usize {
    let Some(rest) = text.get(at..).and_then(|r| r.strip_prefix(' ')) else { return at };
    let end = rest.as_bytes().iter().take(12).position(|b| *b == b' ').unwrap_or(rest.len().min(12));
    let word = rest.get(..end).unwrap_or("").trim_end_matches(':');
    match offset(word).filter(|_| word != "Z").or_else(|| zone_name(word)) {
        Some(seconds) => {
            civil.offset = Some(seconds);
            at + 1 + word.len()
        }
        None => at,
    }
}
