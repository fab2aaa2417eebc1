//! What a thread of the sensor may do: it reads what strangers send, so it keeps the right to open an interface and nothing else.

use rustix::thread::{CapabilitySet, CapabilitySets, capabilities, clear_ambient_capability_set, set_capabilities};

/// Whether this thread has a capability now.
pub(super) fn has(capability: CapabilitySet) -> bool {
    capabilities(None).is_ok_and(|sets| sets.effective.contains(capability))
}

/// Gives up every capability of this thread but CAP_NET_RAW, and that until it is raised.
pub(super) fn lower() -> std::io::Result<()> {
    let sets = capabilities(None)?;
    // only what is permitted can be passed on, so this need not succeed where there is nothing ambient
    let _ = clear_ambient_capability_set();
    let kept = sets.permitted & CapabilitySet::NET_RAW;
    set_capabilities(None, CapabilitySets { effective: CapabilitySet::empty(), permitted: kept, inheritable: CapabilitySet::empty() })?;
    Ok(())
}

/// Does something with CAP_NET_RAW, then gives it up again.
pub(super) fn raised<T>(act: impl FnOnce() -> T) -> T {
    let set = |effective| {
        let raised = capabilities(None).and_then(|sets| {
            let effective = if effective { sets.permitted & CapabilitySet::NET_RAW } else { CapabilitySet::empty() };
            set_capabilities(None, CapabilitySets { effective, ..sets })
        });
        if let Err(error) = raised {
            tracing::warn!(%error, "the capabilities of a sensor's thread cannot be set");
        }
    };
    set(true);
    let out = act();
    set(false);
    out
}
