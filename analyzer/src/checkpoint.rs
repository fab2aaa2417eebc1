//! The state of all detectors as bytes, with the place in the log where it stands. Format version 1:
//! `"FSPK"`, `u8` version, `u64` offset, then for each detector its name and state, each with a `u32` length (little-endian).
//! Each state carries its own version and checksum.

use crate::detectors::{Detector, StateError};

const MAGIC: &[u8; 4] = b"FSPK";
const VERSION: u8 = 1;

/// Writes the state of detectors after everything before `offset` was observed.
pub(crate) fn save(detectors: &[Box<dyn Detector>], offset: u64) -> Vec<u8> {
    let mut out = MAGIC.to_vec();
    out.push(VERSION);
    out.extend_from_slice(&offset.to_le_bytes());
    for detector in detectors {
        let mut state = Vec::new();
        detector.save(&mut state);
        if !state.is_empty() {
            for part in [detector.name().as_bytes(), &state] {
                out.extend_from_slice(&(part.len() as u32).to_le_bytes());
                out.extend_from_slice(part);
            }
        }
    }
    out
}

/// Gives detectors their state back; the first position of the log that is not in it.
pub(crate) fn load(bytes: &[u8], detectors: &mut [Box<dyn Detector>]) -> Result<u64, StateError> {
    let mut rest = bytes.strip_prefix(MAGIC).ok_or(StateError::Damaged)?;
    let version = *take(&mut rest, 1)?.first().ok_or(StateError::Damaged)?;
    if version > VERSION {
        return Err(StateError::Version(version));
    }
    let offset = u64::from_le_bytes(take(&mut rest, 8)?.try_into().map_err(|_| StateError::Damaged)?);
    while !rest.is_empty() {
        let (name, state) = (part(&mut rest)?, part(&mut rest)?);
        if let Some(detector) = detectors.iter_mut().find(|d| d.name().as_bytes() == name) {
            detector.load(state)?;
        }
    }
    Ok(offset)
}

fn take<'a>(rest: &mut &'a [u8], n: usize) -> Result<&'a [u8], StateError> {
    let (head, tail) = rest.split_at_checked(n).ok_or(StateError::Damaged)?;
    *rest = tail;
    Ok(head)
}

fn part<'a>(rest: &mut &'a [u8]) -> Result<&'a [u8], StateError> {
    let len = u32::from_le_bytes(take(rest, 4)?.try_into().map_err(|_| StateError::Damaged)?);
    take(rest, len as usize)
}
