//! The responder: devices from the configuration, the desk that the API speaks to, and the thread that does what is due.
//!
//! It needs no privilege of its own. Only nftables of this very host wants `CAP_NET_ADMIN`, which an operator adds to the service
//! where it is used (see the sample configuration); everything else goes over the network with credentials that allow one thing.

use std::{
    collections::BTreeMap,
    sync::{Arc, atomic::AtomicBool},
};

use anyhow::{Context as _, Result, ensure};
use fansipan_model::said;
use fansipan_response::{
    Desk, Parts, ResponseConfig, connectors, own::ThisMachine, playbook, ports::SystemNames, protected::Protected, telemetry::Observed,
};
use fansipan_storage::{EventStore, ResponseStore, StateStore};

use crate::live;

/// The desk over the stores and the configured devices.
pub(crate) fn desk(
    config: &ResponseConfig,
    actions: Arc<dyn ResponseStore>,
    events: Arc<dyn EventStore>,
    state: Arc<dyn StateStore>,
) -> Result<Arc<Desk>> {
    let mut devices = BTreeMap::new();
    let mut hosts = Vec::new();
    for (name, settings) in &config.devices {
        let device = connectors::connect(name, settings)?;
        hosts.extend(device.hosts().into_iter().map(|host| (name.clone(), host)));
        devices.insert(name.clone(), device);
    }
    for (role, device) in &config.roles {
        ensure!(
            devices.contains_key(device),
            said!(
                "FSP-CFG-016: [response.roles] {role} names the device {device}, which is not configured",
                "FSP-CFG-016: [response.roles] {role} nêu thiết bị {device} chưa được cấu hình"
            )
        );
    }
    let protected = Protected::new(&config.protected, hosts, Arc::new(SystemNames), Arc::new(ThisMachine::new()))?;
    let library = playbook::Library::load(&config.playbooks);
    library.faults().iter().for_each(|fault| tracing::error!("{fault}; this playbook is not in force"));
    let parts = Parts {
        store: actions,
        protected,
        devices,
        telemetry: Arc::new(Observed::new(events)),
        incidents: Arc::new(playbook::StoredIncidents(state)),
        library,
        clock: Box::new(|| i64::try_from(live::now()).unwrap_or(i64::MAX)),
    };
    Ok(Desk::new(config.clone(), parts))
}

/// Does what is due until told to stop.
pub(crate) fn run(desk: &Arc<Desk>, stop: &Arc<AtomicBool>) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).thread_name("responder").enable_all().build();
    let runtime = runtime.with_context(|| {
        said!("FSP-RUN-078: cannot start the responder's runtime", "FSP-RUN-078: không khởi động được môi trường chạy của phần ứng phó")
    })?;
    runtime.block_on(Arc::clone(desk).run(Arc::clone(stop)));
    Ok(())
}
